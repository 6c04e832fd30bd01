/** Access tokens for an API, and the holders of the keys that they may be bound to. */
import {
  base64url,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  SignJWT,
  type JWTPayload,
} from 'jose'
import { createHash, randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { createVerifier, type Verifier, type VerifierOptions } from '../../src/verifier/index.ts'
import { createSigningKey, createTestIssuer, sign } from './test-issuer.ts'

export const audience = 'https://api.example.com/v1'

export interface TestTokens {
  issuer: string
  /** One for the scope `orders:read`, unless the claims say otherwise. */
  issue(claims?: object): Promise<string>
  createVerifier(options?: Partial<VerifierOptions>): Verifier
}

export async function createTestTokens(t: Test): Promise<TestTokens> {
  const key = await createSigningKey('ES256')
  const { issuer } = await createTestIssuer(t, key)
  return {
    issuer,
    issue(claims) {
      const iat = Math.floor(Date.now() / 1000)
      const common = { iss: issuer, aud: audience, sub: 'alice', scope: 'orders:read' }
      return sign(key, { ...common, jti: randomUUID(), iat, exp: iat + 300, ...claims })
    },
    createVerifier: (options) =>
      createVerifier({ issuer, audience, revocations: 'off', ...options }),
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
