/** What a client may say of itself (RFC 7591 §2, OpenID Connect Registration §2), as tables. */
import * as fc from 'fast-check'
import t from 'tap'
import { authMethodNames } from '../../src/client-auth/index.ts'
import { grantTypeNames } from '../../src/grants/index.ts'
import { OAuthError } from '../../src/protocol/errors.ts'
import { jwtBearerGrant } from '../../src/protocol/grant-types.ts'
import { settleMetadata } from '../../src/registration/metadata.ts'

const policy = {
  supported: {
    grantTypes: grantTypeNames,
    authMethods: authMethodNames,
    algorithms: ['RS256', 'ES256'],
  },
  scopes: ['openid', 'profile', 'offline_access'],
  requiresPkce: true,
}
const redirect_uris = ['https://app.example/callback']
const settle = (input: object, options = {}) =>
  settleMetadata({ redirect_uris, ...input }, policy, { isVouchedFor: false, ...options })

function refusalOf(input: object, options = {}): OAuthError {
  try {
    settle(input, options)
  } catch (error) {
    if (error instanceof OAuthError) return error
    throw error
  }
  throw new Error('It was accepted')
}

t.test('the defaults are those of OpenID Connect Registration §2', async (t) => {
  t.match(settle({}), {
    application_type: 'web',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: 'RS256',
  })
})

t.test('what it does not know, or is not to decide, is ignored (RFC 7591 §2)', async (t) => {
  const ignored = {
    client_id: 'admin',
    client_secret: 'chosen',
    skip_consent: true,
    require_pkce: false,
    custom_claims: { role: 'admin' },
    assertion_issuers: [{ issuer: 'https://evil.example', jwks: { keys: [] }, subject: 'sub' }],
    allowed_cors_origins: ['https://evil.example'],
    'client_name#ja': 'x',
    __proto__: { skip_consent: true },
    constructor: 1,
    toString: 'x',
    no_such_member: { of: 'any' },
  }
  t.strictSame(settle(ignored), settle({}))
  t.strictSame(settle({ skip_consent: 'not even true' }), settle({}), 'however faulty')
  t.strictSame(settle({ client_name: null }), settle({}), 'null is as if left out')
})

t.test('the scope is narrowed to what the settings allow', async (t) => {
  const cases: [input: object, scope: string][] = [
    [{}, 'openid profile'],
    [{ scope: '' }, 'openid profile'],
    [{ grant_types: ['authorization_code', 'refresh_token'] }, 'openid profile offline_access'],
    [{ scope: 'openid orders:write revocations' }, 'openid profile'],
    [{ scope: 'profile openid' }, 'profile openid'],
  ]
  for (const [input, scope] of cases) t.equal(settle(input).scope, scope, JSON.stringify(input))
  const nothingLeft = refusalOf({ scope: 'revocations global_token_revocation' })
  t.match(nothingLeft, {
    code: 'invalid_client_metadata',
    description: /scope: None of these can be registered here. Ask for openid profile offline/,
  })
})

t.test(
  'who asks for less may ask for all later: a person decides (MCP Authorization, Step-Up)',
  async (t) => {
    t.equal(settle({ scope: 'profile' }).scope, 'profile openid')
    const stated = settle({ scope: 'profile' }, { isScopeStated: true })
    t.equal(stated.scope, 'profile', 'unless a software statement says what it may have')
    const byItself = { grant_types: ['authorization_code', 'client_credentials'], scope: 'profile' }
    const alone = { ...byItself, token_endpoint_auth_method: 'client_secret_basic' }
    t.equal(settle(alone, { isVouchedFor: true }).scope, 'profile', 'where no person decides')
  },
)

t.test('client_credentials is for who was given an initial access token', async (t) => {
  const service = { grant_types: ['client_credentials'], redirect_uris: [] }
  t.match(refusalOf(service), {
    code: 'invalid_client_metadata',
    description: /grant_types\[0\]: 'client_credentials' is not supported. Use authorization_code/,
  })
  t.match(settle(service, { isVouchedFor: true }), { grant_types: ['client_credentials'] })
})

t.test(
  'without required PKCE, confidential clients have none required, and public ones do',
  async (t) => {
    const lenient = { ...policy, requiresPkce: false }
    const pkceOf = (input: object, current?: ReturnType<typeof settle>) =>
      settleMetadata({ redirect_uris, ...input }, lenient, { isVouchedFor: false, current })
        .require_pkce
    const isPublic = { token_endpoint_auth_method: 'none' }
    t.equal(pkceOf({}), false)
    t.equal(pkceOf({ require_pkce: true }), false, 'which is not for the client to say')
    t.equal(pkceOf(isPublic), undefined)
    t.equal(settle({}).require_pkce, undefined)

    const confidential = { ...settle({}), require_pkce: false }
    t.equal(pkceOf({}, confidential), false)
    t.equal(pkceOf(isPublic, confidential), undefined, 'a client that becomes public needs PKCE')
    t.equal(settle(isPublic, { current: confidential }).require_pkce, undefined)
    t.equal(pkceOf({}, settle(isPublic)), false, 'one that becomes confidential does not')
    const strict = { ...settle({}), require_pkce: true }
    t.equal(pkceOf({}, strict), true, 'what an administrator has set stays')
    t.equal(pkceOf(isPublic, strict), true)
    t.equal(pkceOf({}, { ...strict, profile: 'mcp' }), true)
  },
)

t.test('what is not sound is refused by its code, all faults at once', async (t) => {
  const cases: [input: object, code: string, description: RegExp][] = [
    [{ redirect_uris: ['https://app.example/#f'] }, 'invalid_redirect_uri', /\[0\].*fragment/],
    [{ redirect_uris: [] }, 'invalid_redirect_uri', /at least one redirect URI/],
    [{ redirect_uris: 'https://app.example/' }, 'invalid_redirect_uri', /Give a list/],
    [{ redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri', /https/],
    [
      { redirect_uris: ['http://app.example/'], logo_uri: 'javascript:x' },
      'invalid_redirect_uri',
      /redirect_uris\[0\].*logo_uri|logo_uri.*redirect_uris\[0\]/,
    ],
    [{ response_types: ['id_token'] }, 'invalid_client_metadata', /response_types\[0\]/],
    [{ grant_types: ['implicit'] }, 'invalid_client_metadata', /'implicit' is not supported/],
    [{ grant_types: 'authorization_code' }, 'invalid_client_metadata', /Give a list/],
    [{ grant_types: [jwtBearerGrant] }, 'invalid_client_metadata', /jwt-bearer' is not supported/],
    [{ grant_types: ['refresh_token'] }, 'invalid_client_metadata', /Add one of them/],
    [{ id_token_signed_response_alg: 'none' }, 'invalid_client_metadata', /'none'/],
    [{ id_token_signed_response_alg: 'HS256' }, 'invalid_client_metadata', /'HS256'/],
    [{ token_endpoint_auth_method: 'client_secret_jwt' }, 'invalid_client_metadata', /secret_jwt/],
    [{ token_endpoint_auth_method: 'private_key_jwt' }, 'invalid_client_metadata', /jwks/],
    [{ jwks: { keys: [{ kty: 'oct', k: 'AA' }] } }, 'invalid_client_metadata', /Symmetric/],
    [{ scope: 'a  b' }, 'invalid_client_metadata', /scope: Give scopes/],
    [{ scope: 7 }, 'invalid_client_metadata', /scope: Give a string/],
  ]
  for (const [input, code, description] of cases)
    t.match(refusalOf(input), { code, description, status: 400 }, JSON.stringify(input))
})

t.test('a change leaves what an administrator has set, and goes back to defaults', async (t) => {
  const current = {
    profile: 'mcp' as const,
    ...settle({ client_name: 'Old', contacts: ['a@app.example'] }),
    require_pkce: true,
    grant_types: ['authorization_code', 'client_credentials'],
    scope: 'openid orders:read',
  }
  const { contacts, client_name, ...changed } = settle({ require_pkce: false }, { current })
  t.strictSame([contacts, client_name], [undefined, undefined])
  t.match(changed, {
    profile: 'mcp',
    require_pkce: true,
    grant_types: ['authorization_code', 'refresh_token'],
    scope: 'openid profile offline_access',
  })
  t.notOk('profile' in settle({ profile: 'mcp' }), 'which is not for the client to choose')
  const wider = settle(
    {
      scope: 'openid orders:read orders:write',
      grant_types: current.grant_types,
      token_endpoint_auth_method: 'client_secret_basic',
    },
    { current },
  )
  t.equal(wider.scope, 'openid orders:read', 'what it was given stays within its reach')
  t.strictSame(wider.grant_types, current.grant_types)
})

const oddValues = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown[]>(
    ['authorization_code', 'refresh_token', 'client_credentials'],
    [redirect_uris[0], 'https://user@app.example/', 'http://localhost', 'com.example:/', '#'],
    ['code', 'id_token'],
    'none',
    'private_key_jwt',
    'native',
    'openid revocations skip_consent',
    { keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }] },
    true,
    -1,
  ),
)
const memberNames = [
  ...Object.keys(settle({})),
  'jwks',
  'skip_consent',
  'custom_claims',
  '__proto__',
]

t.test('whatever is given is refused in words, or gives no more than it may', async (t) => {
  const input = fc.dictionary(fc.constantFrom(...memberNames), oddValues, { maxKeys: 6 })
  const isBounded = fc.property(input, (given) => {
    let metadata
    try {
      metadata = settle(given)
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error
      return /^Mend the client's metadata\. [\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(error.description)
    }
    return (
      !metadata.skip_consent &&
      !metadata.custom_claims &&
      !metadata.grant_types.includes('client_credentials') &&
      metadata.scope.split(' ').every((name) => policy.scopes.includes(name))
    )
  })
  t.doesNotThrow(() => fc.assert(isBounded, { numRuns: 1000 }))
})
