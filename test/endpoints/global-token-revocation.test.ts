/** Global Token Revocation (draft-parecki-oauth-global-token-revocation-06): who may ask, for whom, and what is answered. */
import { decodeJwt } from 'jose'
import t from 'tap'
import { obtainTokens, post, refresh, signIn, toTokens, userinfo } from '../support/flow.ts'
import { send, type Answer } from '../support/raw-http.ts'
import { checkJsonRefusal } from '../support/refusals.ts'
import { tableContents } from '../support/table-contents.ts'
import { createWorld, obtainServiceToken } from './routes.ts'

const { provider, client, service } = await createWorld(t)
const { issuer, services, database, clock } = provider
const user = (await services.accounts.find('alice@example.com'))!
const serviceToken = await obtainServiceToken(provider, service)
const byEmail = { format: 'email', email: 'alice@example.com' }

const asJson = { 'content-type': 'application/json' }
const as = (token: string) => ({ ...asJson, authorization: `Bearer ${token}` })

function ask(body: unknown, headers: Record<string, string> = as(serviceToken)): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return send(issuer, { method: 'POST', path: '/global-token-revocation', headers, body: text })
}

async function signedIn() {
  clock.advance(10)
  const browser = await signIn(provider)
  return obtainTokens(provider, browser, client, { scope: 'openid offline_access' })
}

for (const [what, subject] of [
  ['their email, in any letter case', { format: 'email', email: 'Alice@Example.com' }],
  ['the issuer and their sub', { format: 'iss_sub', iss: issuer, sub: user.sub }],
  ['their sub alone', { format: 'opaque', id: user.sub }],
] as const)
  t.test(`a user is named by ${what} (RFC 9493 §3.2), and loses all they hold`, async (t) => {
    const tokens = await signedIn()
    const { status, body } = await ask({ sub_id: subject })
    t.strictSame([status, body], [204, ''])
    t.equal((await userinfo(provider, tokens.access_token)).status, 401)
    t.equal((await refresh(provider, client, tokens.refresh_token)).status, 400)
    t.hasStrict(await services.audit.listLatest({ limit: 1 }), [
      {
        action: 'users.revoke',
        subject: user.sub,
        actor: `client:${service.clientId}`,
        reason: 'global token revocation',
      },
    ])
    t.equal(
      (await userinfo(provider, (await signedIn()).access_token)).status,
      200,
      'and may return',
    )
  })

t.test('nobody of that name is 404, to who may ask (§3.4.2)', async (t) => {
  const before = await tableContents(database)
  const expected = { status: 404, error: 'not_found' }
  for (const subject of [
    { format: 'email', email: 'nobody@example.com' },
    { format: 'opaque', id: 'alice@example.com' },
    { format: 'iss_sub', iss: `${issuer}/`, sub: user.sub },
    { format: 'iss_sub', iss: issuer, sub: 'nobody' },
  ])
    checkJsonRefusal(t, provider, await ask({ sub_id: subject }), expected, JSON.stringify(subject))
  t.strictSame(await tableContents(database), before)
})

t.test('a malformed request is 400, with the challenge (§3.4.2)', async (t) => {
  const before = await tableContents(database)
  const bodies: Record<string, unknown> = {
    nothing: '',
    'no JSON': '{"sub_id":',
    'a list': [byEmail],
    null: null,
    'a text': '"x"',
    'no sub_id': {},
    'a subject without its member': byEmail,
    'another member beside it': { sub_id: byEmail, token: serviceToken },
    'a prototype beside it': `{"sub_id":${JSON.stringify(byEmail)},"__proto__":{}}`,
    'our form': { params: {} },
    'a sub_id that is none': { sub_id: 'alice@example.com' },
    'no format': { sub_id: { email: 'alice@example.com' } },
    'a format that we do not know': { sub_id: { format: 'phone_number', phone_number: '+1' } },
    'a format of every object': { sub_id: { format: 'constructor' } },
    'no member of the format': { sub_id: { format: 'email' } },
    'more than the format has': { sub_id: { ...byEmail, sub: user.sub } },
    'a prototype in it': '{"sub_id":{"format":"email","email":"a@b","__proto__":{}}}',
    'a number': { sub_id: { format: 'opaque', id: 1 } },
    'a NUL': { sub_id: { format: 'opaque', id: 'a\0b' } },
    'half a character': '{"sub_id":{"format":"opaque","id":"\\ud800"}}',
    'a username for an email': { sub_id: { format: 'email', email: 'alice' } },
    'deep nesting': '['.repeat(30_000),
  }
  const invalid = { status: 400, error: 'invalid_request' }
  for (const [what, body] of Object.entries(bodies)) {
    const answer = await ask(body)
    checkJsonRefusal(t, provider, answer, invalid, what)
  }
  for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'text/json', '']) {
    const answer = await ask({ sub_id: byEmail }, { ...as(serviceToken), 'content-type': type })
    checkJsonRefusal(t, provider, answer, invalid, type)
    t.match(answer.body, 'application/json', 'it says what to send')
    t.match(answer.headers.get('www-authenticate'), /^Bearer .*error="invalid_request"/)
  }
  const large = await ask({ sub_id: { format: 'opaque', id: 'x'.repeat(64 * 1024) } })
  checkJsonRefusal(t, provider, large, { status: 413, error: 'invalid_request' }, 'too large')
  t.strictSame(await tableContents(database), before)
})

t.test(
  'only a service with the scope may ask (§7.1), and nobody else learns a thing',
  async (t) => {
    const { access_token: ofPerson, id_token: idToken } = await signedIn()
    const other = await provider.createClient({
      grant_types: ['client_credentials'],
      redirect_uris: [],
      scope: 'orders:read global_token_revocation_not',
    })
    const form = { grant_type: 'client_credentials' }
    const withoutScope = toTokens(await post(provider, '/token', other, form)).access_token
    const withAnother = toTokens(
      await post(provider, '/token', other, { ...form, scope: other.metadata.scope }),
    ).access_token
    const payload = decodeJwt(serviceToken)
    const forPerson = await services.keyring.sign('RS256', 'at+jwt', {
      ...decodeJwt(ofPerson),
      scope: 'openid global_token_revocation',
    })
    const forAnother = await services.keyring.sign('RS256', 'at+jwt', {
      ...payload,
      aud: 'another',
    })
    const before = await tableContents(database)
    const refusals: [what: string, token: string | undefined, status: 401 | 403][] = [
      ['no token', undefined, 401],
      ['nonsense', 'x', 401],
      ['an ID token', idToken, 401],
      ['a token for another audience', forAnother, 401],
      ['a token without scope', withoutScope, 403],
      ['a token with another scope', withAnother, 403],
      ['a token of a person', ofPerson, 403],
      ['a token of a person, with the scope', forPerson, 403],
    ]
    for (const [what, token, status] of refusals)
      for (const subject of [byEmail, { format: 'opaque', id: 'nobody' }]) {
        const answer = await ask({ sub_id: subject }, token === undefined ? asJson : as(token))
        const error = status === 401 ? 'invalid_token' : 'insufficient_scope'
        checkJsonRefusal(t, provider, answer, { status, error }, what)
        const challenge = answer.headers.get('www-authenticate')
        t.match(challenge, /^Bearer realm="claviger"/, what)
        if (status === 403) t.match(challenge, 'scope="global_token_revocation"')
      }
    t.strictSame(await tableContents(database), before)
    t.equal((await userinfo(provider, ofPerson)).status, 200)
  },
)

t.test('the scope is for those who are registered for it', async (t) => {
  const other = await provider.createClient({ grant_types: ['client_credentials'] })
  const form = { grant_type: 'client_credentials', scope: 'global_token_revocation' }
  t.match(await post(provider, '/token', other, form), {
    status: 400,
    body: { error: 'invalid_scope' },
  })
})
