/** How userinfo refuses: the challenge of RFC 6750 §3, with the code and the status of §3.1. */
import t from 'tap'
import { encode } from '../support/flow.ts'
import { send, sendForm, type Answer } from '../support/raw-http.ts'
import { checkJsonRefusal } from '../support/refusals.ts'
import { tableContents } from '../support/table-contents.ts'
import { parts } from './forged-tokens.ts'
import { createWorld } from './routes.ts'

const { provider, tokens } = await createWorld(t)
const { issuer, services, database } = provider
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const get = (headers: Record<string, string>, query = '') =>
  send(issuer, { path: `/userinfo${query}`, headers })
const post = (fields: object, headers = {}) =>
  sendForm(issuer, '/userinfo', encode({ ...fields }).toString(), headers)

const before = await tableContents(database)

/** The parameters of the challenge by name; nothing when it is none (RFC 9110 §11.6.1). */
function challengeOf({ headers }: Answer): Record<string, string> {
  const [header = '', dpop] = (headers.get('www-authenticate') ?? '').split(', DPoP ')
  if (dpop !== 'algs="ES256 PS256 EdDSA Ed25519"') return {} // offered beside it (RFC 9449 §7.1)
  const pairs = [...header.matchAll(/(?:^Bearer |, )(\w+)="([^"\\]*)"/g)]
  const rebuilt = pairs.map(([, name, value]) => `${name}="${value}"`).join(', ')
  return header === `Bearer ${rebuilt}`
    ? Object.fromEntries(pairs.map(([, name, value]) => [name, value]))
    : {}
}

t.test('a good token is answered, from the header or a form (RFC 6750 §2.1, §2.2)', async (t) => {
  for (const scheme of ['Bearer', 'bearer', 'BEARER'])
    t.equal((await get({ authorization: `${scheme} ${tokens.access_token}` })).status, 200, scheme)
  t.equal((await post({ access_token: tokens.access_token })).status, 200)
})

t.test('without authentication the challenge has no error code (RFC 6750 §3.1)', async (t) => {
  const answers = {
    nothing: await get({}),
    'an empty form': await post({}),
    'a POST without a body': await send(issuer, { method: 'POST', path: '/userinfo' }),
    'an empty access_token': await post({ access_token: '' }),
    'in the query, where it does not belong': await get({}, `?access_token=${tokens.access_token}`),
    'another scheme': await get({ authorization: 'Basic YTpi' }),
  }
  for (const [name, answer] of Object.entries(answers)) {
    checkJsonRefusal(t, provider, answer, { status: 401, error: 'invalid_token' }, name)
    t.strictSame(Object.keys(challengeOf(answer)), ['realm'], name)
  }
})

t.test('a malformed request is 400 invalid_request, with the challenge', async (t) => {
  const { access_token: token } = tokens
  const both = [token, token]
  const answers = {
    'no token': await get({ authorization: 'Bearer' }),
    'an empty token': await get({ authorization: 'Bearer ' }),
    'two tokens': await get(bearer(`${token} ${token}`)),
    'a list': await get(bearer(`${token}, Bearer ${token}`)),
    'letters that no token has': await get(bearer('a"b')),
    'a raw byte': await get(bearer('\xff')),
    'a quoted token': await get(bearer(`"${token}"`)),
    'in the header and in the form': await post({ access_token: token }, bearer(token)),
    'twice in the form': await post({ access_token: both }),
    JSON: await sendForm(issuer, '/userinfo', '{}', { 'content-type': 'application/json' }),
    'a NUL': await sendForm(issuer, '/userinfo', 'access_token=%00'),
  }
  for (const [name, answer] of Object.entries(answers)) {
    checkJsonRefusal(t, provider, answer, { status: 400, error: 'invalid_request' }, name)
    t.match(challengeOf(answer), { realm: 'claviger', error: 'invalid_request' }, name)
  }
})

t.test('a token that is not good is 401 invalid_token, whatever is wrong with it', async (t) => {
  const described = new Set<string | undefined>()
  for (const token of ['abc', tokens.id_token, `${tokens.access_token}x`, 'a.b.c']) {
    const answer = await get(bearer(token))
    checkJsonRefusal(t, provider, answer, { status: 401, error: 'invalid_token' }, token)
    const challenge = challengeOf(answer)
    t.match(challenge, { realm: 'claviger', error: 'invalid_token' })
    described.add(challenge['error_description'])
  }
  t.equal(described.size, 1, 'and it is not told what')
})

t.test('a token without openid is 403 insufficient_scope, with the scope', async (t) => {
  const { payload } = parts(tokens.access_token)
  for (const scope of [undefined, 'reports', 'open id', 'openid2 xopenid']) {
    const token = await services.keyring.sign('RS256', 'at+jwt', { ...payload, scope })
    const answer = await get(bearer(token))
    const expected = { status: 403, error: 'insufficient_scope' }
    checkJsonRefusal(t, provider, answer, expected, String(scope))
    const challenge = { realm: 'claviger', error: 'insufficient_scope', scope: 'openid' }
    t.match(challengeOf(answer), challenge)
  }
})

t.test('what is told in the challenge is told in the body', async (t) => {
  const answer = await get(bearer('abc'))
  const { error, error_description } = JSON.parse(answer.body) as Record<string, string>
  t.match(challengeOf(answer), { error, error_description })
})

t.test('no refusal has written anything', async (t) => {
  t.strictSame(await tableContents(database), before)
})
