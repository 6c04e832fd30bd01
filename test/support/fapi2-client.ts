/** A client with the profile fapi2 and a key of its own, for flows that no plan of the conformance suite has. */
import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose'
import { challenge, encode, type Answer, type Fields } from './flow.ts'
import type { TestProvider } from './provider.ts'

export const callback = 'https://client.example/callback'

interface Sent {
  path?: string
  assertion?: string
  /** The proof in the header of that name. */
  dpop?: string
}

export async function createFapi2Client(provider: TestProvider, metadata: object = {}) {
  const { issuer, clock } = provider
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const { clientId } = await provider.createClient({
    profile: 'fapi2',
    redirect_uris: [callback],
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'own' }] },
    skip_consent: true,
    ...metadata,
  })
  const seconds = (ahead = 0) => Math.floor(clock.now().getTime() / 1000) + ahead

  const sign = (claims: JWTPayload): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'own' }).sign(privateKey)

  function assertion(changes: object = {}): Promise<string> {
    const own = { iss: clientId, sub: clientId, aud: issuer, jti: randomUUID() }
    return sign({ ...own, iat: seconds(), exp: seconds(60), ...changes })
  }

  const request = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: callback,
    scope: 'openid',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }

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
    sign,
    send,
    push: (changes: Fields = {}, more?: Sent) => send({ ...request, ...changes }, more),
    requestUri,
    frontChannel: (request_uri: string) =>
      `${issuer}/authorize?${encode({ client_id: clientId, request_uri }).toString()}`,
  }
}

/** The reference of a request that is in order. */
async function requestUri(answer: Promise<Answer>): Promise<string> {
  const { status, body } = await answer
  if (status !== 201) throw new Error(`Not pushed: ${status} ${JSON.stringify(body)}`)
  return String(body['request_uri'])
}
