import t from 'tap'
import { resolveRecipient } from '../../src/authorization/recipient.ts'
import { Params, parseParams } from '../../src/protocol/params.ts'
import { registryOf, toClient } from './clients.ts'

const uri = 'https://app.example/cb'
const other = 'https://app.example/other'
const one = toClient({ redirect_uris: [uri] }, 'one')
const two = toClient({ redirect_uris: [uri, other] }, 'two')
const native = toClient(
  {
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    redirect_uris: ['http://127.0.0.1/cb?x=1'],
  },
  'native',
)
const service = toClient({ grant_types: ['client_credentials'], redirect_uris: [] }, 'service')
const revoked = { ...toClient({}, 'revoked'), revokedAt: new Date() }
const clients = registryOf(one, two, native, service, revoked)

const resolve = (params: Record<string, string>) =>
  resolveRecipient(new Params(Object.entries(params)), clients)

t.test(
  'nobody is answered until client and redirect URI belong together (RFC 6749 §3.1.2.4)',
  async (t) => {
    const rows: [why: string, query: string, code: string, about: RegExp][] = [
      ['no client_id', `redirect_uri=${uri}`, 'invalid_request', /client_id/],
      ['an empty client_id', `client_id=&redirect_uri=${uri}`, 'invalid_request', /client_id/],
      ['client_id twice', `client_id=one&client_id=one`, 'invalid_request', /client_id/],
      ['an unknown client', `client_id=none&redirect_uri=${uri}`, 'invalid_request', /client_id/],
      ['a revoked client', `client_id=revoked&redirect_uri=${uri}`, 'invalid_request', /client_id/],
      [
        'redirect_uri twice',
        `client_id=one&redirect_uri=${uri}&redirect_uri=${uri}`,
        'invalid_request',
        /redirect_uri/,
      ],
      [
        "another client's URI",
        `client_id=one&redirect_uri=${other}`,
        'invalid_redirect_uri',
        /registered/,
      ],
      ['a longer URI', `client_id=one&redirect_uri=${uri}/`, 'invalid_redirect_uri', /registered/],
      [
        'a query added',
        `client_id=one&redirect_uri=${uri}%3Fa`,
        'invalid_redirect_uri',
        /registered/,
      ],
      ['none of several', `client_id=two`, 'invalid_redirect_uri', /redirect_uri/],
      ['a client without any', `client_id=service`, 'invalid_redirect_uri', /redirect_uri/],
      [
        'one given to such a client',
        `client_id=service&redirect_uri=${uri}`,
        'invalid_redirect_uri',
        /registered/,
      ],
    ]
    for (const [why, query, code, description] of rows)
      await t.rejects(resolveRecipient(parseParams(query), clients), { code, description }, why)
  },
)

t.test('the redirect URI is the one asked for', async (t) => {
  const recipient = await resolve({ client_id: 'two', redirect_uri: other })
  t.equal(recipient.client, two)
  t.hasStrict(recipient, { redirectUri: other, redirectUriGiven: true })
})

t.test('a missing one is the only one registered (RFC 6749 §3.1.2.3)', async (t) => {
  const recipient = await resolve({ client_id: 'one' })
  t.hasStrict(recipient, { redirectUri: uri, redirectUriGiven: false })
})

t.test('a loopback port is answered as asked for (RFC 8252 §7.3)', async (t) => {
  const requested = 'http://127.0.0.1:49152/cb?x=1'
  const recipient = await resolve({ client_id: 'native', redirect_uri: requested })
  t.equal(recipient.redirectUri, requested)
})

t.test(
  'the response mode is the one asked for; a faulty one is answered by the default',
  async (t) => {
    const rows: [query: string, responseMode: string, isResponseSigned?: boolean][] = [
      ['', 'query'],
      ['&response_mode=', 'query'],
      ['&response_mode=query', 'query'],
      ['&response_mode=fragment', 'fragment'],
      ['&response_mode=form_post', 'form_post'],
      ['&response_mode=web_message', 'query'],
      ['&response_mode=fragment&response_mode=fragment', 'query'],
      ['&response_mode=jwt', 'query', true], // JARM §2.3.4
      ['&response_mode=query.jwt', 'query', true],
      ['&response_mode=fragment.jwt', 'fragment', true],
      ['&response_mode=form_post.jwt', 'form_post', true],
      ['&response_mode=.jwt', 'query'],
      ['&response_mode=fragmentjwt', 'query'],
      ['&response_mode=jwt&response_mode=jwt', 'query'],
    ]
    for (const [query, responseMode, isResponseSigned = false] of rows) {
      const recipient = await resolveRecipient(parseParams(`client_id=one${query}`), clients)
      t.hasStrict(recipient, { responseMode, isResponseSigned }, query)
    }
  },
)

t.test('state comes back as it was sent, unless it was sent twice', async (t) => {
  const rows: [query: string, state: string | undefined][] = [
    ['', undefined],
    ['&state=', undefined],
    ['&state=%26a%3D%C3%A9+b', '&a=é b'],
    ['&state=a&state=b', undefined],
  ]
  for (const [query, state] of rows) {
    const params = parseParams(`client_id=one${query}`)
    t.equal((await resolveRecipient(params, clients)).state, state, query)
  }
})
