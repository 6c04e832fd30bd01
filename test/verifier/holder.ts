/** An issuer of tokens, and holders of DPoP keys, made with jose alone. */
import {
  base64url,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  SignJWT,
  type JWTPayload,
} from 'jose'
import { createHash, randomUUID } from 'node:crypto'
import { createVerifier, type Verifier, type VerifierOptions } from '../../src/verifier/index.ts'

export const issuer = 'https://issuer.example'
export const audience = 'https://api.example.com/v1'

export interface TestIssuer {
  issue(claims?: JWTPayload): Promise<string>
  createVerifier(options?: Partial<VerifierOptions>): Verifier
}

export async function createTestIssuer(): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const key = { ...(await exportJWK(publicKey)), kid: 'K', alg: 'ES256', use: 'sig' }
  const documents: Record<string, unknown> = {
    [`${issuer}/.well-known/openid-configuration`]: { issuer, jwks_uri: `${issuer}/jwks` },
    [`${issuer}/jwks`]: { keys: [key] },
  }
  const fetch = async (url: string) =>
    url in documents ? Response.json(documents[url]) : new Response(null, { status: 404 })
  return {
    issue: (claims) =>
      new SignJWT({ sub: 'alice', scope: 'orders:read', jti: randomUUID(), ...claims })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'K' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(privateKey),
    createVerifier: (options) =>
      createVerifier({ issuer, audience, revocations: 'off', fetch, ...options }),
  }
}

export interface Proof {
  method?: string
  url?: string
  token?: string
  /** Instead of what a good proof has; undefined takes it away. */
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
}

export interface Holder {
  jkt: string
  prove(proof?: Proof): Promise<string>
}

export async function createHolder(alg = 'ES256'): Promise<Holder> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return {
    jkt: await calculateJwkThumbprint(jwk),
    prove({ method = 'GET', url = `${audience}/orders`, token = '', claims, header } = {}) {
      const payload: JWTPayload = {
        jti: randomUUID(),
        htm: method,
        htu: url,
        iat: Math.floor(Date.now() / 1000),
        ath: createHash('sha256').update(token).digest('base64url'),
        ...claims,
      }
      return new SignJWT(withoutUndefined(payload))
        .setProtectedHeader(withoutUndefined({ typ: 'dpop+jwt', alg, jwk, ...header }))
        .sign(privateKey)
    },
  }
}

/** A JWT with whatever header, and no signature that is one. */
export function forge(header: object, payload: object, signature = ''): string {
  const parts = [header, payload].map((part) => base64url.encode(JSON.stringify(part)))
  return `${parts.join('.')}.${signature}`
}

function withoutUndefined<Value extends object>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value
}
