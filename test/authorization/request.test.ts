import t from 'tap'
import { keptParameters } from '../../src/authorization/parameters.ts'
import { resolveRecipient } from '../../src/authorization/recipient.ts'
import { parseAuthorizationRequest } from '../../src/authorization/request.ts'
import { Params } from '../../src/protocol/params.ts'
import { registryOf, toClient } from './clients.ts'

const uri = 'https://app.example/cb'
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const common = {
  client_id: 'app',
  response_type: 'code',
  redirect_uri: uri,
  scope: 'openid',
  code_challenge: challenge,
  code_challenge_method: 'S256',
}

/** Undefined takes a parameter out, a list sends it several times. */
type Changes = Record<string, string | string[] | undefined>

async function parse(changes: Changes = {}, metadata: object = {}) {
  const pairs = Object.entries<string | string[] | undefined>({ ...common, ...changes }).flatMap(
    ([name, value]) => [value ?? []].flat().map((one): [string, string] => [name, one]),
  )
  const params = new Params(pairs)
  const recipient = await resolveRecipient(params, registryOf(toClient(metadata)))
  return parseAuthorizationRequest(params, recipient)
}

const isPublic = { token_endpoint_auth_method: 'none' }
const withoutPkce = { code_challenge: undefined, code_challenge_method: undefined }

t.test('every fault has its error code and names its parameter', async (t) => {
  const rows: [why: string, changes: Changes, code: string, about: RegExp, metadata?: object][] = [
    ['twice the same', { scope: ['openid', 'openid'] }, 'invalid_request', /'scope'/],
    ['twice an unknown one', { foo: ['a', 'b'] }, 'invalid_request', /'foo'/],
    ['state twice', { state: ['a', 'b'] }, 'invalid_request', /'state'/],
    [
      'response_mode twice',
      { response_mode: ['query', 'query'] },
      'invalid_request',
      /'response_mode'/,
    ],
    ['too long', { state: 'x'.repeat(4097) }, 'invalid_request', /'state' is longer than 4096/],
    [
      'an ID token too long',
      { id_token_hint: 'x'.repeat(12 * 1024 + 1) },
      'invalid_request',
      /'id_token_hint' is longer than 12288/,
    ],
    ['an unknown one too long', { foo: 'x'.repeat(4097) }, 'invalid_request', /'foo'/],
    [
      'one by reference',
      { request_uri: 'https://app.example/r' },
      'request_uri_not_supported',
      /request_uri of your own/,
    ],
    ['no response_type', { response_type: undefined }, 'invalid_request', /'response_type'/],
    ['an empty response_type', { response_type: '' }, 'invalid_request', /'response_type'/],
    ['the implicit flow', { response_type: 'token' }, 'unsupported_response_type', /'code'/],
    ['the hybrid flow', { response_type: 'code id_token' }, 'unsupported_response_type', /'code'/],
    ['another case', { response_type: 'Code' }, 'unsupported_response_type', /'code'/],
    [
      'a client without this flow',
      {},
      'unauthorized_client',
      /not registered/,
      { grant_types: ['client_credentials'] },
    ],
    [
      'an unknown response_mode',
      { response_mode: 'web_message' },
      'invalid_request',
      /response_mode/,
    ],
    ['a malformed scope', { scope: 'openid  email' }, 'invalid_scope', /malformed/],
    ['a scope with a quote', { scope: 'openid "' }, 'invalid_scope', /malformed/],
    ['a scope not registered', { scope: 'openid phone' }, 'invalid_scope', /'phone'/],
    [
      'OpenID Connect without redirect_uri',
      { redirect_uri: undefined },
      'invalid_request',
      /'redirect_uri'/,
    ],
    ['an unknown prompt', { prompt: 'login later' }, 'invalid_request', /'prompt'/],
    ['prompt=none and another', { prompt: 'none login' }, 'invalid_request', /prompt=none/],
    ['max_age not a number', { max_age: 'soon' }, 'invalid_request', /'max_age'/],
    ['a negative max_age', { max_age: '-1' }, 'invalid_request', /'max_age'/],
    ['a fractional max_age', { max_age: '1.5' }, 'invalid_request', /'max_age'/],
    ['a max_age of ages', { max_age: '1'.repeat(10) }, 'invalid_request', /'max_age'/],
    ['a public client without PKCE', withoutPkce, 'invalid_request', /'code_challenge'/, isPublic],
    [
      'a public client with a nonce but no PKCE',
      { ...withoutPkce, nonce: 'n' },
      'invalid_request',
      /'code_challenge'/,
      isPublic,
    ],
    ['no PKCE and no nonce', withoutPkce, 'invalid_request', /'code_challenge'/],
    [
      'a nonce that no ID token will carry',
      { ...withoutPkce, nonce: 'n', scope: 'email' },
      'invalid_request',
      /'code_challenge'/,
    ],
    [
      'a nonce, but the client requires PKCE',
      { ...withoutPkce, nonce: 'n' },
      'invalid_request',
      /'code_challenge'/,
      { require_pkce: true },
    ],
    ['plain PKCE', { code_challenge_method: 'plain' }, 'invalid_request', /must be S256/],
    [
      'PKCE that is plain by default',
      { code_challenge_method: undefined },
      'invalid_request',
      /must be S256/,
    ],
    [
      'a method without a challenge',
      { code_challenge: undefined },
      'invalid_request',
      /'code_challenge_method'/,
    ],
    ['a short challenge', { code_challenge: 'abc' }, 'invalid_request', /'code_challenge' must/],
    [
      'a challenge that is not base64url',
      { code_challenge: `${challenge.slice(1)}+` },
      'invalid_request',
      /'code_challenge' must/,
    ],
  ]
  for (const [why, changes, code, description, metadata] of rows)
    await t.rejects(parse(changes, metadata), { code, description }, why)
})

t.test('a request as OpenID Connect sends it', async (t) => {
  const request = await parse(
    {
      scope: 'openid email openid',
      resource: ['https://a.example', 'https://b.example', 'https://a.example'],
      prompt: 'consent login',
      max_age: '300',
      login_hint: 'jane',
      id_token_hint: 'a.b.c',
      nonce: 'n',
      ui_locales: 'de',
    },
    { default_max_age: 60 },
  )
  t.strictSame(request, {
    authorizationDetails: undefined,
    claims: undefined,
    subs: undefined,
    acrValues: [],
    essentialAcrValues: undefined,
    scope: ['openid', 'email'],
    resources: ['https://a.example', 'https://b.example'],
    prompt: new Set(['consent', 'login']),
    maxAgeSeconds: 300,
    idTokenHint: 'a.b.c',
    nonce: 'n',
    codeChallenge: challenge,
    dpopJkt: undefined,
  })
})

t.test('what is left out', async (t) => {
  const request = await parse({
    scope: undefined,
    redirect_uri: undefined,
    prompt: '',
    max_age: '',
  })
  t.strictSame(request, {
    authorizationDetails: undefined,
    claims: undefined,
    subs: undefined,
    acrValues: [],
    essentialAcrValues: undefined,
    scope: [],
    resources: [],
    prompt: new Set(),
    maxAgeSeconds: undefined,
    idTokenHint: undefined,
    nonce: undefined,
    codeChallenge: challenge,
    dpopJkt: undefined,
  })
})

t.test("max_age is the client's default_max_age unless the request has one", async (t) => {
  const metadata = { default_max_age: 60 }
  t.equal((await parse({}, metadata)).maxAgeSeconds, 60)
  t.equal((await parse({ max_age: '0' }, metadata)).maxAgeSeconds, 0)
})

t.test(
  'PKCE may be left out where a nonce protects the code, or where the client may (OAuth 2.1 §7.5.1)',
  async (t) => {
    t.equal((await parse({ ...withoutPkce, nonce: 'n' })).codeChallenge, undefined)
    t.equal((await parse(withoutPkce, { require_pkce: false })).codeChallenge, undefined)
  },
)

t.test('a parameter of 4096 characters is fine', async (t) => {
  await t.resolves(parse({ state: 'x'.repeat(4096) }))
})

t.test('whatever is read of a request is kept while a person signs in', async (t) => {
  const names = new Set<string>()
  class RecordingParams extends Params {
    override get(name: string) {
      names.add(name)
      return super.get(name)
    }
    override all(name: string) {
      names.add(name)
      return super.all(name)
    }
  }
  const params = new RecordingParams(Object.entries(common))
  const recipient = await resolveRecipient(params, registryOf(toClient()))
  parseAuthorizationRequest(params, recipient)
  names.delete('request_uri') // refused
  names.add('login_hint') // by the login page
  names.add('dpop_jkt') // by what binds the code
  t.strictSame([...names].toSorted(), [...keptParameters].toSorted())
})
