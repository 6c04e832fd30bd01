/** How modules with dynamic clients begin and end: a client registers itself, and goes again (RFC 7591, RFC 7592). */
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import type { Test } from 'tap'
import { basicClient, keyClient, postClient, type SuiteClient } from '../support/suite-client.ts'
import type { Suite } from '../support/suite.ts'

/** The private part of it. A client's only key has no kid, as those of the suite have none. */
export async function createClientKey(kid?: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', ...(kid && { kid }) }
}

export function publicKeySet({ kty, n, e, alg, use, kid }: JWK) {
  return { keys: [{ kty, n, e, alg, use, kid }] }
}

/** Of every client that authenticates by private_key_jwt and has no other. */
export const suiteKey = await createClientKey()

/** Has JSON on the suite's web server from then on, and answers where. */
export type Publish = (path: string, document: object) => string

/** The settings under which the plans with dynamic clients pass. */
export const openRegistration = {
  CLAVIGER_REGISTRATION: 'open',
  CLAVIGER_REGISTRATION_REQUIRE_PKCE: 'off',
}

/** What the suite sends with any client; it names no scope. */
const common = {
  client_name: 'Conformance suite',
  contacts: ['suite@example.com'],
  grant_types: ['authorization_code'],
  response_types: ['code'],
  token_endpoint_auth_method: 'client_secret_basic',
  jwks: publicKeySet(suiteKey),
}

type Information = Record<string, unknown>

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
  return toAnswer(answer)
}

/** Nothing comes of it (RFC 7591 §3.2.2). */
export async function refuses(
  t: Test,
  suite: Suite,
  metadata: object,
  error: string,
): Promise<void> {
  const answer = await sendRegistration(suite, metadata)
  t.hasStrict(answer, { status: 400, body: { error } })
  t.match(answer.type, /^application\/json\b/)
}

/** To the client's own endpoint (RFC 7592 §2). */
export async function readRegistration({ fetch: send }: Suite, information: Information) {
  return toAnswer(await send(...ownEndpoint(information)))
}

export interface RegisteredClient extends SuiteClient {
  /** RFC 7591 §3.2.1. */
  information: Information
}

/** Registered for one test, after which it deletes itself. With a key of its own, it is to register that. */
export async function registerClient(
  t: Test,
  suite: Suite,
  client: object = {},
  key = suiteKey,
): Promise<RegisteredClient> {
  const { status, type, body } = await sendRegistration(suite, client)
  t.equal(status, 201)
  t.match(type, /^application\/json\b/)
  t.equal('client_secret' in body, !usesKey(body))
  t.equal(body['client_secret_expires_at'], usesKey(body) ? undefined : 0)
  t.match(body['registration_client_uri'], /^https:/)
  t.match(body['registration_access_token'], /./)
  t.teardown(async () => {
    const [uri, credential] = ownEndpoint(body)
    const gone = await suite.fetch(uri, { method: 'DELETE', ...credential })
    if (gone.status !== 204) throw new Error(`The client did not go: ${gone.status}`)
    const again = await readRegistration(suite, body)
    if (again.status !== 401) throw new Error(`The client is still there: ${again.status}`)
  })
  return { ...asItSays(body, key, suite.provider.clock.now), information: body }
}

function asItSays(body: Information, key: JWK, now: () => Date): SuiteClient {
  const [clientId, secret] = [String(body['client_id']), String(body['client_secret'])]
  if (usesKey(body)) return keyClient(clientId, { key, now })
  const inForm = body['token_endpoint_auth_method'] === 'client_secret_post'
  return inForm ? postClient(clientId, secret) : basicClient(clientId, secret)
}

function usesKey(body: Information): boolean {
  return body['token_endpoint_auth_method'] === 'private_key_jwt'
}

function ownEndpoint(information: Information) {
  const authorization = `Bearer ${String(information['registration_access_token'])}`
  return [String(information['registration_client_uri']), { headers: { authorization } }] as const
}

async function toAnswer(answer: Response) {
  const body = (await answer.json()) as Information
  return { status: answer.status, type: answer.headers.get('content-type'), body }
}
