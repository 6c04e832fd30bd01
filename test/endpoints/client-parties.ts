/** Clients of each authentication method, and what every endpoint does when they authenticate badly. */
import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { Test } from 'tap'
import { encode } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { sendForm, type Answer } from '../support/raw-http.ts'
import { checkJsonRefusal, type Expected } from '../support/refusals.ts'
import { tableContents } from '../support/table-contents.ts'

export interface Credentials {
  /** The Authorization header. */
  header?: string
  form?: Record<string, string>
}

/** Each with what makes its request complete. */
export const endpoints = [
  ['/token', { grant_type: 'client_credentials' }],
  ['/introspect', { token: 'x' }],
  ['/revoke', { token: 'x' }],
] as const

const invalidClient = { status: 401, error: 'invalid_client' }

export async function createParties(t: Test) {
  const provider = await createTestProvider(t)
  const { issuer, database, clock } = provider
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const create = (client_id: string, method: string, more = {}) =>
    provider.createClient({
      client_id,
      token_endpoint_auth_method: method,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      ...more,
    })
  const basicClient = await create('basic-client', 'client_secret_basic')
  const postClient = await create('post-client', 'client_secret_post')
  await create('key-client', 'private_key_jwt', {
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'own' }] },
  })

  function present(path: string, fields: object, { header, form }: Credentials): Promise<Answer> {
    const text = encode({ ...fields, ...form }).toString()
    return sendForm(issuer, path, text, header === undefined ? {} : { authorization: header })
  }

  /** Refused at each endpoint, challenged when the header was used (RFC 6749 §5.2), and nothing is written. */
  async function refused(
    t: Test,
    credentials: Credentials,
    about: string,
    expected: Expected = invalidClient,
  ): Promise<Answer[]> {
    const before = await tableContents(database)
    const answers = await Promise.all(
      endpoints.map(async ([path, fields]) => {
        const answer = await present(path, fields, credentials)
        checkJsonRefusal(t, provider, answer, expected, `${about}, ${path}`)
        const isChallenged = expected.status === 401 && credentials.header !== undefined
        const challenge = isChallenged ? 'Basic realm="claviger", charset="UTF-8"' : null
        t.equal(answer.headers.get('www-authenticate'), challenge, `${about}, ${path}: challenge`)
        return answer
      }),
    )
    t.strictSame(await tableContents(database), before, `${about}: nothing was written`)
    return answers
  }

  function claims(changes: object = {}): object {
    const now = Math.floor(clock.now().getTime() / 1000)
    const own = { iss: 'key-client', sub: 'key-client', aud: issuer, iat: now, exp: now + 60 }
    return { ...own, jti: randomUUID(), ...changes }
  }

  /** An assertion of key-client, signed with its key. */
  const signed = (changes: object = {}) =>
    new SignJWT({ ...claims(changes) })
      .setProtectedHeader({ alg: 'ES256', kid: 'own' })
      .sign(privateKey)

  const assertion = async () => ({
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await signed(),
  })

  return { provider, basicClient, postClient, present, refused, claims, signed, assertion }
}
