/** A client of FAPI 2.0 as the conformance suite's: private_key_jwt, pushed requests, request objects if it signs them. */
import { randomUUID } from 'node:crypto'
import {
  exportJWK,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose'
import { challenge, encode, type Answer, type Fields } from '../support/flow.ts'
import type { TestProvider } from '../support/provider.ts'

export const callback = 'https://client.example/callback'
export const otherCallback = `${callback}?dummy1=lorem&dummy2=ipsum`

const algorithms = ['ES256', 'RS256'] as const
type Alg = (typeof algorithms)[number]

interface Sent {
  path?: string
  assertion?: string
  /** The proof in the header of that name. */
  dpop?: string
}

export async function createFapi2Client(provider: TestProvider, metadata: object = {}) {
  const { issuer, clock } = provider
  const keys = new Map<Alg, CryptoKey>()
  const jwks: JWK[] = []
  for (const alg of algorithms) {
    const { publicKey, privateKey } = await generateKeyPair(alg)
    keys.set(alg, privateKey)
    jwks.push({ ...(await exportJWK(publicKey)), kid: alg })
  }
  const { clientId } = await provider.createClient({
    profile: 'fapi2',
    redirect_uris: [callback, otherCallback],
    jwks: { keys: jwks },
    skip_consent: true,
    ...metadata,
  })
  const seconds = (ahead = 0) => Math.floor(clock.now().getTime() / 1000) + ahead

  function sign(claims: JWTPayload, alg: Alg, header: object = {}): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg, kid: alg, ...header }).sign(keys.get(alg)!)
  }

  /** Undefined leaves a claim out. */
  function assertion(changes: object = {}, alg: Alg = 'ES256'): Promise<string> {
    const own = { iss: clientId, sub: clientId, aud: issuer, jti: randomUUID() }
    return sign({ ...own, iat: seconds(), exp: seconds(60), ...changes }, alg)
  }

  const request: Record<string, string> = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: callback,
    scope: 'openid',
    state: 'the state',
    nonce: 'the nonce',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }

  /** The claims of a good request object; undefined leaves one out. */
  const claims = (changes: object = {}): JWTPayload => ({
    ...request,
    iss: clientId,
    aud: issuer,
    nbf: seconds(),
    exp: seconds(300),
    ...changes,
  })

  async function send(fields: Fields, { path = '/par', dpop, ...changes }: Sent = {}) {
    const response = await fetch(issuer + path, {
      method: 'POST',
      headers: dpop === undefined ? {} : { dpop },
      body: encode({
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: changes.assertion ?? (await assertion()),
        ...fields,
      }),
    })
    const { status, headers } = response
    const answer: Answer = { status, headers, body: (await response.json()) as Answer['body'] }
    return answer
  }

  return {
    clientId,
    seconds,
    assertion,
    request,
    claims,
    sign,
    send,
    push: (changes: Fields = {}, more?: Sent) => send({ ...request, ...changes }, more),
    /** Undefined leaves a claim out. */
    pushSigned: async (changes: object = {}, alg: Alg = 'ES256') =>
      send({ request: await sign(claims(changes), alg) }),
    requestUri,
    frontChannel: (request_uri: string, more: Fields = {}) =>
      `${issuer}/authorize?${encode({ client_id: clientId, request_uri, ...more }).toString()}`,
  }
}

/** The reference of a request that is in order. */
async function requestUri(answer: Promise<Answer>): Promise<string> {
  const { status, body } = await answer
  if (status !== 201) throw new Error(`Not pushed: ${status} ${JSON.stringify(body)}`)
  return String(body['request_uri'])
}
