import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { readClientDocument } from '../../src/clients/client-document.ts'

const clientId = 'https://app.example.com/client.json'
const document = { client_id: clientId, redirect_uris: ['https://app.example.com/callback'] }
const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'a' }] }

function read(given: unknown) {
  return readClientDocument(clientId, given, {
    supported: {
      grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
      authMethods: ['client_secret_basic', 'private_key_jwt', 'none'],
      algorithms: ['RS256', 'ES256'],
    },
    scopes: ['openid', 'tools:use'],
  })
}

t.test('a document makes a public client of the profile mcp (CIMD §4)', async (t) => {
  t.match(read(document), {
    metadata: {
      profile: 'mcp',
      redirect_uris: document.redirect_uris,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      application_type: 'web',
      scope: 'openid tools:use',
      require_pkce: true,
      skip_consent: false,
    },
  })
})

t.test('of the scopes that it names count those that it may ask for, or else all', async (t) => {
  for (const [scope, settled] of [
    ['tools:use tools:admin', 'tools:use'],
    ['tools:admin revocations', 'openid tools:use'],
    ['', 'openid tools:use'],
  ] as const)
    t.match(read({ ...document, scope }), { metadata: { scope: settled } }, scope)
})

t.test('an application on the device is known by its redirect URIs (RFC 8252 §7)', async (t) => {
  const redirect_uris = ['http://127.0.0.1:3000/callback', 'http://localhost:3000/callback']
  t.match(read({ ...document, redirect_uris }), { metadata: { application_type: 'native' } })
})

t.test('keys, given or published, make it one that authenticates', async (t) => {
  const signing = { ...document, token_endpoint_auth_method: 'private_key_jwt' }
  t.match(read({ ...signing, jwks }), { metadata: { jwks } })
  const jwks_uri = 'https://app.example.com/keys'
  t.match(read({ ...signing, jwks_uri }), { metadata: { jwks_uri } })
  t.match(read(signing), { fault: /^jwks: The method private_key_jwt needs/ })
})

t.test('what only an administrator gives is passed over, and so is the unknown', async (t) => {
  const read1 = read({
    ...document,
    profile: 'default',
    skip_consent: true,
    require_pkce: false,
    custom_claims: { role: 'admin' },
    allowed_cors_origins: ['https://evil.example'],
    backchannel_logout_uri: 'https://evil.example/logout',
    logo_uri: 'https://evil.example/logo-of-somebody-else.svg',
    scope: 'openid revocations global_token_revocation tools:use',
    grant_types: ['authorization_code', 'client_credentials', 'urn:example:unknown'],
    response_types: ['code', 'token'],
    client_uri: null,
    from_the_future: { a: 1 },
  })
  const metadata = 'metadata' in read1 ? read1.metadata : undefined
  t.match(metadata, {
    profile: 'mcp',
    skip_consent: false,
    require_pkce: true,
    scope: 'openid tools:use',
    grant_types: ['authorization_code'],
    response_types: ['code'],
  })
  const absent = ['custom_claims', 'allowed_cors_origins', 'backchannel_logout_uri', 'logo_uri']
  for (const name of [...absent, 'client_uri', 'from_the_future'])
    t.notOk(metadata && name in metadata, name)
})

t.test('a document with a fault says which', async (t) => {
  const rows: [document: unknown, fault: RegExp][] = [
    ['text', /^Give a JSON object/],
    [[document], /^Give a JSON object/],
    [{ redirect_uris: document.redirect_uris }, /^client_id: Give the URL of the document/],
    [{ ...document, client_id: `${clientId}?` }, /^client_id: /],
    [{ ...document, client_id: clientId.toUpperCase() }, /^client_id: /],
    [{ ...document, client_secret: 'x' }, /^client_secret: A document/],
    [{ ...document, client_secret_expires_at: 0 }, /^client_secret_expires_at: /],
    [{ client_id: clientId }, /^redirect_uris: /],
    [{ ...document, redirect_uris: [] }, /^redirect_uris: /],
    [{ ...document, redirect_uris: ['javascript:alert(1)'] }, /^redirect_uris\[0\]: /],
    [
      { ...document, token_endpoint_auth_method: 'client_secret_basic' },
      /^token_endpoint_auth_method: "client_secret_basic" is not supported\. Use none, private_key_jwt/,
    ],
    [{ ...document, grant_types: ['client_credentials'] }, /grant_types: /],
    [{ ...document, jwks, jwks_uri: 'https://app.example.com/keys' }, /^jwks_uri: Give jwks or/],
  ]
  for (const [given, fault] of rows) t.match(read(given), { fault }, JSON.stringify(given))
})
