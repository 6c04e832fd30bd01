import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import t from 'tap'
import {
  allowedOriginsOf,
  validateClientMetadata,
  withoutDerived,
  type ClientMetadata,
} from '../../src/clients/metadata.ts'

const supported = {
  grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
  authMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
  algorithms: ['RS256', 'ES256'],
}
const redirectUri = 'https://app.example.com/callback'
const web = { redirect_uris: [redirectUri] }

const jwkOf = (key: KeyObject) => key.export({ format: 'jwk' })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ecKey = { ...jwkOf(ec.publicKey), kid: 'ec' }
const rsaKey = { ...jwkOf(rsa.publicKey), kid: 'rsa' }

function accept(input: object): ClientMetadata {
  const { metadata, faults } = validateClientMetadata(input, supported)
  t.same(faults, [], JSON.stringify(input).slice(0, 200))
  return metadata!
}

function faultsOf(input: unknown): string[] {
  const { metadata, faults } = validateClientMetadata(input, supported)
  t.equal(metadata, undefined)
  return faults.map(({ message }) => message)
}

t.test(
  'a redirect URI is all that a client needs; the rest has defaults (RFC 7591 §2)',
  async (t) => {
    t.same(accept(web), {
      application_type: 'web',
      redirect_uris: [redirectUri],
      post_logout_redirect_uris: [],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      scope: 'openid profile email',
      id_token_signed_response_alg: 'RS256',
      require_auth_time: false,
      skip_consent: false,
    })
  },
)

t.test('the defaults follow the grant types', async (t) => {
  const refreshing = accept({ ...web, grant_types: ['authorization_code', 'refresh_token'] })
  t.equal(refreshing.scope, 'openid profile email offline_access')
  const service = accept({ grant_types: ['client_credentials'] })
  t.equal(service.scope, '')
  t.same(service.response_types, [])
})

t.test('every member is accepted and kept', async (t) => {
  const full: ClientMetadata = {
    client_name: 'Wiki “Öl”',
    client_uri: 'https://wiki.example.com',
    logo_uri: 'https://wiki.example.com/logo.svg',
    policy_uri: 'https://wiki.example.com/privacy',
    tos_uri: 'http://localhost:8080/terms',
    contacts: ['ops@wiki.example.com'],
    application_type: 'native',
    redirect_uris: ['com.example.wiki:/cb', 'http://127.0.0.1/cb', 'https://wiki.example.com/cb'],
    post_logout_redirect_uris: ['com.example.wiki:/out'],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [ecKey, rsaKey] },
    scope: 'openid wiki:read https://api.example.com/write',
    id_token_signed_response_alg: 'ES256',
    default_max_age: 0,
    require_auth_time: true,
    initiate_login_uri: 'https://wiki.example.com/login',
    backchannel_logout_uri: 'https://wiki.example.com/logout?a=1',
    backchannel_logout_session_required: true,
    software_id: '4NRB1-0XZABZI9E6-5SM3R',
    software_version: '1.2',
    skip_consent: true,
    require_pkce: false,
    custom_claims: { roles: ['admin'] },
    allowed_cors_origins: ['https://wiki.example.com', 'http://localhost:8080'],
  }
  t.same(accept(full), full)
})

t.test('null is as if left out (RFC 7592 §2.2)', async (t) => {
  t.same(accept({ ...web, client_name: null, scope: null }), accept(web))
})

t.test('what is not a JSON object of a sensible size is refused', async (t) => {
  for (const input of [undefined, null, 'x', 7, [], [web]])
    t.match(faultsOf(input), [/JSON object/])
  t.match(faultsOf({ ...web, client_name: 'a\0b' }), [/Unicode without NUL/])
  t.match(faultsOf({ ...web, client_name: '\ud800' }), [/Unicode without NUL/])
  t.match(faultsOf({ ...web, contacts: 'x'.repeat(70_000) }), [/within 65536/])
  const deep: unknown = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`)
  t.match(faultsOf({ ...web, custom_claims: deep }), [/at most 20 levels/])
})

t.test('an unknown member is refused, with the name that was probably meant', async (t) => {
  const cases: [string, RegExp][] = [
    ['redirect_uri', /^"redirect_uri": Did you mean redirect_uris\?$/],
    ['redirectUris', /Did you mean redirect_uris\?/],
    ['clientName', /Did you mean client_name\?/],
    ['client-name', /Did you mean client_name\?/],
    ['grant_tpyes', /Did you mean grant_types\?/],
    ['token_endpoint_auth_methods', /Did you mean token_endpoint_auth_method\?/],
    ['post_logout_redirect_url', /Did you mean post_logout_redirect_uris\?/],
    ['frobnicate', /^"frobnicate": There is no such setting\.$/],
    ['', /^"": There is no such setting\.$/],
    ['constructor', /There is no such setting/],
  ]
  for (const [member, hint] of cases) t.match(faultsOf({ ...web, [member]: 'x' }), [hint], member)
  t.match(faultsOf(JSON.parse(`{"redirect_uris":["${redirectUri}"],"__proto__":{}}`)), [
    /__proto__/,
  ])
})

t.test('each member is held against its rule', async (t) => {
  const cases: [object, RegExp][] = [
    [{ client_name: '' }, /^client_name: /],
    [{ client_name: 'a\nb' }, /control characters/],
    [{ client_name: 'x'.repeat(201) }, /200 characters/],
    [{ client_name: 7 }, /^client_name: Give a string/],
    [{ logo_uri: 'javascript:alert(1)' }, /^logo_uri: Use https/],
    [{ client_uri: 'http://app.example.com' }, /^client_uri: Use https/],
    [{ policy_uri: 'data:text/html,x' }, /^policy_uri: Use https/],
    [{ tos_uri: '/terms' }, /^tos_uri: Give an absolute URI/],
    [{ initiate_login_uri: 'com.example.app:/login' }, /^initiate_login_uri: Use https/],
    [{ backchannel_logout_uri: 'http://app.example/' }, /^backchannel_logout_uri: Use https/],
    [{ backchannel_logout_uri: 'https://app.example/#x' }, /^backchannel_logout_uri: Leave out/],
    [{ backchannel_logout_session_required: 'yes' }, /^backchannel_logout_session_required: Give/],
    [{ contacts: 'ops@example.com' }, /^contacts: Give a list/],
    [{ contacts: ['a', 7] }, /^contacts\[1\]: Give a string/],
    [{ application_type: 'spa' }, /^application_type: "spa" is not supported. Use web, native/],
    [
      { token_endpoint_auth_method: 'tls_client_auth' },
      /is not supported. .* It needs CLAVIGER_TLS_CLIENT_CA_FILE\.$/,
    ],
    [
      { tls_client_certificate_bound_access_tokens: true },
      /no certificates here. It needs CLAVIGER_MTLS_PORT or CLAVIGER_CLIENT_CERT_HEADER\.$/,
    ],
    [{ redirect_uris: redirectUri }, /^redirect_uris: Give a list/],
    [{ redirect_uris: [redirectUri, redirectUri] }, /^redirect_uris: Give each value once/],
    [{ redirect_uris: ['com.example.app:/cb'] }, /^redirect_uris\[0\]: Use https/],
    [{ redirect_uris: [`${redirectUri}#x`] }, /^redirect_uris\[0\]: Leave out the fragment/],
    [{ redirect_uris: Array.from({ length: 101 }, (_, n) => `${redirectUri}${n}`) }, /at most 100/],
    [{ post_logout_redirect_uris: ['http://a.example/'] }, /^post_logout_redirect_uris\[0\]: Use/],
    [{ grant_types: ['authorization_code', 'password'] }, /^grant_types\[1\]: "password" is not/],
    [
      { response_types: ['id_token'] },
      /^response_types\[0\]: "id_token" is not supported. Use code/,
    ],
    [{ token_endpoint_auth_method: 'client_secret_jwt' }, /^token_endpoint_auth_method: /],
    [{ scope: 'openid  email' }, /^scope: /],
    [{ scope: 'a"b' }, /^scope: /],
    [{ scope: ['openid'] }, /^scope: Give a string/],
    [{ id_token_signed_response_alg: 'none' }, /^id_token_signed_response_alg: "none" is not/],
    [{ id_token_signed_response_alg: 'HS256' }, /^id_token_signed_response_alg: "HS256" is not/],
    [{ default_max_age: -1 }, /^default_max_age: Give a whole number/],
    [{ default_max_age: 1.5 }, /^default_max_age: /],
    [{ default_max_age: '60' }, /^default_max_age: /],
    [{ require_auth_time: 'yes' }, /^require_auth_time: Give true or false/],
    [{ skip_consent: 1 }, /^skip_consent: Give true or false/],
    [{ require_pkce: 'S256' }, /^require_pkce: Give true or false/],
    [{ custom_claims: ['admin'] }, /^custom_claims: /],
    [{ custom_claims: { sub: 'someone' } }, /^custom_claims: .*sub/],
    [{ custom_claims: { email: 'a@example.com' } }, /^custom_claims: .*email/],
    [{ allowed_cors_origins: ['*'] }, /^allowed_cors_origins\[0\]: Give an origin/],
    [{ allowed_cors_origins: ['null'] }, /^allowed_cors_origins\[0\]: Give an origin/],
    [{ allowed_cors_origins: ['https://app.example.com/'] }, /^allowed_cors_origins\[0\]: Give/],
    [{ allowed_cors_origins: ['http://app.example.com'] }, /^allowed_cors_origins\[0\]: Give/],
  ]
  for (const [members, fault] of cases) {
    const faults = faultsOf({ ...web, ...members })
    t.match(faults, [fault], JSON.stringify(members).slice(0, 100))
    t.equal(faults.length, 1, JSON.stringify(faults))
  }
})

t.test('members that contradict each other are refused', async (t) => {
  const none = { ...web, token_endpoint_auth_method: 'none' }
  const signed = { ...web, token_endpoint_auth_method: 'private_key_jwt' }
  const cases: [object, RegExp][] = [
    [{}, /^redirect_uris: The authorization_code grant needs at least one/],
    [{ grant_types: [] }, /^grant_types: Give at least one/],
    [{ grant_types: ['client_credentials'], response_types: ['code'] }, /^response_types: /],
    [{ ...web, response_types: [] }, /^response_types: /],
    [{ grant_types: ['refresh_token'] }, /^grant_types: The refresh_token grant continues/],
    [
      { ...none, grant_types: ['authorization_code', 'client_credentials'] },
      /^grant_types: .*RFC 6749 §4.4/,
    ],
    [{ ...none, require_pkce: false }, /^require_pkce: Public clients always need PKCE/],
    [{ ...web, backchannel_logout_session_required: true }, /^backchannel_logout_uri: Say where/],
    [signed, /^jwks: The method private_key_jwt needs/],
    [
      { ...signed, jwks: { keys: [ecKey] }, jwks_uri: 'https://app.example.com/keys' },
      /^jwks_uri: Give jwks or jwks_uri, not both/,
    ],
    [
      { ...signed, jwks: { keys: [ecKey] }, token_endpoint_auth_signing_alg: 'RS256' },
      /^jwks: None of/,
    ],
    [{ ...signed, jwks: { keys: [{ ...ecKey, use: 'enc' }] } }, /^jwks: None of/],
    [{ ...signed, jwks: { keys: [{ ...rsaKey, alg: 'RSA-OAEP' }] } }, /^jwks: None of/],
    [{ ...web, require_signed_request_object: true }, /^jwks: With require_signed_request_object/],
    [
      {
        ...web,
        require_signed_request_object: true,
        request_object_signing_alg: 'PS256',
        jwks: { keys: [ecKey] },
      },
      /^jwks: With require_signed_request_object/,
    ],
    [
      { ...web, token_endpoint_auth_signing_alg: 'RS256' },
      /^token_endpoint_auth_signing_alg: It is only/,
    ],
  ]
  for (const [input, fault] of cases) {
    const faults = faultsOf(input)
    t.match(faults, [fault], JSON.stringify(input).slice(0, 100))
    t.equal(faults.length, 1, JSON.stringify(faults))
  }
})

t.test('an assertion algorithm is asymmetric, never none (RFC 7523 §3)', async (t) => {
  const signed = {
    ...web,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [ecKey, rsaKey] },
  }
  for (const alg of ['RS256', 'PS256', 'ES256'])
    t.equal(
      accept({ ...signed, token_endpoint_auth_signing_alg: alg }).token_endpoint_auth_signing_alg,
      alg,
    )
  for (const alg of ['none', 'HS256', 'RS1', ''])
    t.match(faultsOf({ ...signed, token_endpoint_auth_signing_alg: alg }), [
      /^token_endpoint_auth_signing_alg: /,
    ])
})

t.test(
  'published keys will do wherever keys are needed (RFC 7591 §2, RFC 8705 §2.2.2)',
  async (t) => {
    const published = { ...web, jwks_uri: 'https://app.example.com/keys' }
    for (const more of [
      { token_endpoint_auth_method: 'private_key_jwt' },
      { require_signed_request_object: true },
    ])
      t.strictSame(validateClientMetadata({ ...published, ...more }, supported).faults, [])
  },
)

t.test('jwks holds usable public keys only (RFC 7591 §2)', async (t) => {
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const cases: [unknown, RegExp][] = [
    ['x', /^jwks: Give a JSON Web Key Set/],
    [{ keys: [] }, /^jwks: Give a JSON Web Key Set/],
    [[ecKey], /^jwks: Give a JSON Web Key Set/],
    [{ keys: ['x'] }, /^jwks.keys\[0\]: Give a JSON Web Key/],
    [{ keys: [jwkOf(ec.privateKey)] }, /^jwks.keys\[0\]: This is a private key/],
    [{ keys: [ecKey, jwkOf(rsa.privateKey)] }, /^jwks.keys\[1\]: This is a private key/],
    [{ keys: [{ kty: 'oct', k: 'c2VjcmV0' }] }, /^jwks.keys\[0\]: Symmetric keys/],
    [
      { keys: [{ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }] },
      /^jwks.keys\[0\]: It is not a usable/,
    ],
    [{ keys: [{ kty: 'RSA', n: 5, e: 'AQAB' }] }, /^jwks.keys\[0\]: It is not a usable/],
    [{ keys: [{ kty: 'XYZ' }] }, /^jwks.keys\[0\]: It is not a usable/],
    [{ keys: [jwkOf(small.publicKey)] }, /^jwks.keys\[0\]: RSA keys need at least 2048 bits/],
    [{ keys: [{ ...ecKey, kid: 7 }] }, /^jwks.keys\[0\]: Its kid/],
    [
      { keys: [ecKey, { ...rsaKey, kid: 'ec' }] },
      /^jwks: Give each of several keys a kid of its own/,
    ],
    [{ keys: [ecKey, jwkOf(rsa.publicKey)] }, /^jwks: Give each of several keys a kid of its own/],
    [{ keys: Array.from({ length: 21 }, (_, n) => ({ ...ecKey, kid: `${n}` })) }, /1 to 20/],
  ]
  for (const [jwks, fault] of cases) {
    const faults = faultsOf({ ...web, jwks })
    t.match(faults, [fault], JSON.stringify(jwks).slice(0, 100))
    t.notMatch(faults.join(' '), /"d"/)
  }
})

t.test('all faults are told at once, and nothing is said twice', async (t) => {
  const faults = faultsOf({
    redirect_uris: ['javascript:alert(1)', 'http://a.example/'],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: 'none',
    require_pkce: false,
    clientName: 'x',
    scope: 7,
  })
  t.match(faults, [
    /redirect_uris\[0\].*redirect_uris\[1\]/,
    /clientName/,
    /^scope/,
    /^require_pkce/,
  ])
  t.equal(faults.length, 4)
})

t.test(
  'CORS origins are those given, else those of a public web client (its redirect URIs)',
  async (t) => {
    const uris = [
      'https://app.example.com/cb',
      'https://app.example.com/cb2',
      'http://localhost:8080/cb',
    ]
    const spa = { redirect_uris: uris, token_endpoint_auth_method: 'none' }
    t.same(allowedOriginsOf(accept(spa)), ['https://app.example.com', 'http://localhost:8080'])
    t.same(allowedOriginsOf(accept({ ...spa, allowed_cors_origins: ['https://other.example'] })), [
      'https://other.example',
    ])
    t.same(allowedOriginsOf(accept({ ...spa, allowed_cors_origins: [] })), [])
    t.same(allowedOriginsOf(accept({ ...spa, application_type: 'native' })), [])
    t.same(allowedOriginsOf(accept(web)), [])
  },
)

t.test(
  'what follows from the grant types is left out until someone sets it otherwise',
  async (t) => {
    const plain = withoutDerived(accept(web))
    t.notOk('scope' in plain || 'response_types' in plain)
    t.notOk('grant_types' in plain)
    t.same(plain.redirect_uris, [redirectUri])
    t.equal(withoutDerived(accept({ ...web, scope: 'openid' })).scope, 'openid')
  },
)
