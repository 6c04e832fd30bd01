/** How modules with dynamic clients begin and end: a client registers itself, and goes again (RFC 7591, RFC 7592). */
import { exportJWK, generateKeyPair } from 'jose'
import type { Test } from 'tap'
import { basicClient, postClient, type SuiteClient } from '../support/suite-client.ts'
import type { Suite } from '../support/suite.ts'

const { publicKey } = await generateKeyPair('RS256')
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'of the suite', use: 'sig' }] }

/** What the suite sends with any client; it names no scope. */
const common = {
  client_name: 'Conformance suite',
  contacts: ['suite@example.com'],
  grant_types: ['authorization_code'],
  response_types: ['code'],
  token_endpoint_auth_method: 'client_secret_basic',
  jwks,
}

/** The status and the body of the answer. */
export async function sendRegistration(
  { fetch: send, metadata, addresses }: Suite,
  client: object,
) {
  const answer = await send(String(metadata['registration_endpoint']), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...common, redirect_uris: [addresses.callback], ...client }),
  })
  const body = (await answer.json()) as Record<string, unknown>
  return { status: answer.status, type: answer.headers.get('content-type'), body }
}

/** Registered for one test, after which it deletes itself. */
export async function registerClient(
  t: Test,
  suite: Suite,
  client: object = {},
): Promise<SuiteClient> {
  const { status, type, body } = await sendRegistration(suite, client)
  t.equal(status, 201)
  t.match(type, /^application\/json\b/)
  if ('client_secret' in body) t.type(body['client_secret_expires_at'], 'number')
  t.match(body['registration_client_uri'], /^https:/)
  t.teardown(async () => {
    const gone = await suite.fetch(String(body['registration_client_uri']), {
      method: 'DELETE',
      headers: { authorization: `Bearer ${String(body['registration_access_token'])}` },
    })
    if (gone.status !== 204) throw new Error(`The client did not go: ${gone.status}`)
  })
  const asItSays = body['token_endpoint_auth_method'] === 'client_secret_post'
  const [clientId, secret] = [String(body['client_id']), String(body['client_secret'])]
  return asItSays ? postClient(clientId, secret) : basicClient(clientId, secret)
}
