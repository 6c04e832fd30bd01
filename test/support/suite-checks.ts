/** What the suite's modules check in every flow (its AbstractOIDCCServerTest), whatever they are about. */
import {
  createLocalJWKSet,
  decodeProtectedHeader,
  jwtVerify,
  type JSONWebKeySet,
  type JWTPayload,
} from 'jose'
import type { Test } from 'tap'
import type { Answer } from './flow.ts'
import type { Visit } from './suite-browser.ts'

/** Of an error; a code comes with state and iss alone. */
const errorParameters = ['error', 'error_description', 'error_uri', 'state', 'iss']

export function checkJwks(t: Test, { keys }: JSONWebKeySet): void {
  t.ok(keys.length > 0)
  t.equal(new Set(keys.map(({ kid }) => kid)).size, keys.length, 'every key has a kid of its own')
  for (const key of keys) {
    t.match(key.kty, /^(RSA|EC|OKP)$/)
    t.notOk(['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].some((part) => part in key))
  }
}

/** Answers what has arrived at the redirect URI. */
export function checkResponse(
  t: Test,
  { page, posted }: Visit,
  sent: {
    redirectUri: string
    state: string | undefined
    issuer: string
    responseMode: string | undefined
  },
): Record<string, string> {
  const url = new URL(page.url)
  const query = [...url.searchParams]
  const registered = [...new URL(sent.redirectUri).searchParams]
  t.equal(`${url.origin}${url.pathname}`, sent.redirectUri.split('?')[0])
  t.equal(url.hash, '')
  t.strictSame(query.slice(0, registered.length), registered)
  const fromQuery = Object.fromEntries(query.slice(registered.length))
  if (sent.responseMode === 'form_post') t.strictSame(fromQuery, {}, 'nothing goes into the URL')
  else t.ok([302, 303].includes(page.status))
  const fields = sent.responseMode === 'form_post' ? (posted ?? {}) : fromQuery

  t.equal(fields['state'], sent.state)
  t.equal(fields['iss'], sent.issuer)
  const allowed = 'error' in fields ? errorParameters : ['code', 'state', 'iss']
  t.strictSame(
    Object.keys(fields).filter((name) => !allowed.includes(name)),
    [],
  )
  if ('error' in fields) t.match(fields['error_description'], /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
  else checkSecret(t, fields['code'])
  return fields
}

/** 128 bits long, and at least 96 of them measured (RFC 6749 §10.10). */
export function checkSecret(t: Test, secret: unknown): void {
  const text = String(secret)
  t.ok(text.length * 6 >= 128)
  t.ok(shannonBits(text) >= 96, 'it is random enough')
}

export function checkTokenResponse(
  t: Test,
  { status, headers, body }: Answer,
  { tokenType = 'Bearer', hasIdToken = true } = {},
): void {
  t.equal(status, 200)
  t.match(headers.get('content-type'), /^application\/json\b/)
  t.equal(headers.get('cache-control'), 'no-store')
  t.match(body, { access_token: String, expires_in: Number, token_type: tokenType })
  t.equal('id_token' in body, hasIdToken)
  checkSecret(t, body['access_token'])
}

/** PerformStandardIdTokenChecks, and that the key is named. */
export async function checkIdToken(
  t: Test,
  idToken: string,
  expected: {
    jwks: JSONWebKeySet
    issuer: string
    clientId: string
    nonce: string | undefined
    alg: string
    now: Date
  },
): Promise<JWTPayload> {
  const { issuer, clientId: audience, now: currentDate } = expected
  t.hasStrict(decodeProtectedHeader(idToken), { alg: expected.alg })
  t.ok(expected.jwks.keys.some(({ kid }) => kid === decodeProtectedHeader(idToken).kid))
  const { payload } = await jwtVerify(idToken, createLocalJWKSet(expected.jwks), {
    issuer,
    audience,
    currentDate,
    maxTokenAge: '5m',
    requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
  })
  t.equal(payload['nonce'], expected.nonce)
  t.ok((payload.sub?.length ?? 0) <= 255)
  t.ok(Number(payload['auth_time']) <= currentDate.getTime() / 1000)
  if ('acr' in payload) t.match(payload['acr'], /./)
  return payload
}

/** The claims that may come without having been asked for. */
const protocolClaims = new Set(
  'iss sub aud exp iat nbf auth_time nonce acr amr azp at_hash c_hash s_hash sid jti txn'.split(
    ' ',
  ),
)

export function unaskedClaims(payload: JWTPayload): string[] {
  return Object.keys(payload).filter((claim) => !protocolClaims.has(claim))
}

const birthdate = /^(\d{4}-\d{2}-\d{2}|0000-\d{2}-\d{2}|\d{4})$/

export function checkUserinfo(t: Test, { status, headers, body }: Answer, sub: unknown): void {
  t.equal(status, 200)
  t.match(headers.get('content-type'), /^application\/json\b/)
  t.equal(body['sub'], sub)
  for (const [claim, value] of Object.entries(body))
    if (claim.endsWith('_verified')) t.type(value, 'boolean', claim)
    else if (claim === 'updated_at') t.type(value, 'number', claim)
    else if (claim === 'address') t.type(value, 'object', claim)
    else t.match(value, claim === 'birthdate' ? birthdate : /\S/, claim)
}

function shannonBits(text: string): number {
  const counts = new Map<string, number>()
  for (const one of text) counts.set(one, (counts.get(one) ?? 0) + 1)
  const bitsOf = (count: number) => count * Math.log2(text.length / count)
  return [...counts.values()].reduce((sum, count) => sum + bitsOf(count), 0)
}
