/** The documents that others verify by: metadata and keys (OpenID Connect Discovery §3, RFC 8414, RFC 7517). */
import t from 'tap'
import { createTestProvider } from '../support/provider.ts'

const encryptionAlgorithms = ['RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW']
const contentEncryptions = ['A128CBC-HS256', 'A128GCM', 'A256GCM']
const assertionAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA']

const golden = {
  issuer: 'https://op.example',
  authorization_endpoint: 'https://op.example/authorize',
  pushed_authorization_request_endpoint: 'https://op.example/par',
  token_endpoint: 'https://op.example/token',
  device_authorization_endpoint: 'https://op.example/device_authorization',
  userinfo_endpoint: 'https://op.example/userinfo',
  jwks_uri: 'https://op.example/.well-known/jwks.json',
  introspection_endpoint: 'https://op.example/introspect',
  revocation_endpoint: 'https://op.example/revoke',
  revocation_feed_endpoint: 'https://op.example/revocations',
  end_session_endpoint: 'https://op.example/logout',
  global_token_revocation_endpoint: 'https://op.example/global-token-revocation',
  scopes_supported: ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'],
  claims_supported: [
    'sub',
    'iss',
    'aud',
    'exp',
    'iat',
    'auth_time',
    'acr',
    'amr',
    'sid',
    'nonce',
    'name',
    'family_name',
    'given_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'updated_at',
    'email',
    'email_verified',
    'address',
    'phone_number',
    'phone_number_verified',
  ],
  acr_values_supported: ['urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport'],
  response_types_supported: ['code'],
  response_modes_supported: [
    'query',
    'fragment',
    'form_post',
    'jwt',
    'query.jwt',
    'fragment.jwt',
    'form_post.jwt',
  ],
  grant_types_supported: [
    'authorization_code',
    'refresh_token',
    'client_credentials',
    'urn:ietf:params:oauth:grant-type:device_code',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
    'urn:ietf:params:oauth:grant-type:token-exchange',
  ],
  subject_types_supported: ['public', 'pairwise'],
  id_token_signing_alg_values_supported: ['RS256', 'ES256'],
  id_token_encryption_alg_values_supported: encryptionAlgorithms,
  id_token_encryption_enc_values_supported: contentEncryptions,
  userinfo_signing_alg_values_supported: ['RS256', 'ES256'],
  userinfo_encryption_alg_values_supported: encryptionAlgorithms,
  userinfo_encryption_enc_values_supported: contentEncryptions,
  code_challenge_methods_supported: ['S256'],
  prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
  display_values_supported: ['page'],
  ui_locales_supported: ['en'],
  token_endpoint_auth_methods_supported: [
    'client_secret_basic',
    'client_secret_post',
    'private_key_jwt',
    'none',
  ],
  token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
  introspection_endpoint_auth_methods_supported: [
    'client_secret_basic',
    'client_secret_post',
    'private_key_jwt',
  ],
  introspection_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
  introspection_signing_alg_values_supported: ['RS256', 'ES256'],
  introspection_encryption_alg_values_supported: encryptionAlgorithms,
  introspection_encryption_enc_values_supported: contentEncryptions,
  revocation_endpoint_auth_methods_supported: [
    'client_secret_basic',
    'client_secret_post',
    'private_key_jwt',
    'none',
  ],
  revocation_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
  global_token_revocation_endpoint_auth_methods_supported: ['Bearer'],
  dpop_signing_alg_values_supported: ['ES256', 'PS256', 'EdDSA', 'Ed25519'],
  authorization_response_iss_parameter_supported: true,
  authorization_signing_alg_values_supported: ['RS256', 'ES256'],
  require_pushed_authorization_requests: false,
  backchannel_logout_supported: true,
  backchannel_logout_session_supported: true,
  claims_parameter_supported: true,
  request_parameter_supported: true,
  request_object_signing_alg_values_supported: assertionAlgorithms,
  request_uri_parameter_supported: false,
}

t.test('discovery and JWKS', async (t) => {
  const provider = await createTestProvider(t)
  const { issuer } = provider
  const wellKnown = `${issuer}/.well-known`

  t.test('the metadata is all of this and nothing else', async (t) => {
    const response = await fetch(`${wellKnown}/openid-configuration`)
    t.equal(response.status, 200)
    t.match(response.headers.get('content-type'), /^application\/json/)
    t.strictSame(JSON.parse((await response.text()).replaceAll(issuer, golden.issuer)), golden)
  })

  t.test('both well-known addresses answer the same (RFC 8414 §3)', async (t) => {
    const [one, other] = await Promise.all(
      ['openid-configuration', 'oauth-authorization-server'].map(async (name) => {
        const response = await fetch(`${wellKnown}/${name}`)
        return { text: await response.text(), etag: response.headers.get('etag') }
      }),
    )
    t.strictSame(one, other)
  })

  t.test('every endpoint that it names is there', async (t) => {
    const response = await fetch(`${wellKnown}/openid-configuration`)
    const metadata = (await response.json()) as Record<string, string>
    const statuses = {
      authorization_endpoint: 400,
      pushed_authorization_request_endpoint: 405,
      token_endpoint: 405,
      device_authorization_endpoint: 405,
      userinfo_endpoint: 401,
      jwks_uri: 200,
      introspection_endpoint: 405,
      revocation_endpoint: 405,
      revocation_feed_endpoint: 401,
      end_session_endpoint: 303,
      global_token_revocation_endpoint: 405,
    }
    const named = Object.keys(metadata).filter((name) => /_(endpoint|uri)$/.test(name))
    t.strictSame(named.toSorted(), Object.keys(statuses).toSorted())
    for (const [name, status] of Object.entries(statuses)) {
      const answer = await fetch(metadata[name] ?? '', { redirect: 'manual' })
      t.equal(answer.status, status, name)
      if (status === 405) t.equal(answer.headers.get('allow'), 'POST')
    }
  })

  t.test('they may be cached for as long as the publication lead covers', async (t) => {
    for (const name of ['openid-configuration', 'oauth-authorization-server', 'jwks.json']) {
      const { headers } = await fetch(`${wellKnown}/${name}`)
      t.match(headers.get('cache-control'), /^public, max-age=300\b/)
      t.match(headers.get('etag'), /^"[\w-]+"$/)
    }
  })

  t.test('an unchanged document is 304 without a body (RFC 9110 §13.1.2)', async (t) => {
    for (const name of ['openid-configuration', 'oauth-authorization-server', 'jwks.json']) {
      const first = await fetch(`${wellKnown}/${name}`)
      const etag = first.headers.get('etag') ?? ''
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
        const again = await fetch(`${wellKnown}/${name}`, { headers: { 'if-none-match': known } })
        t.equal(again.status, 304)
        t.equal(await again.text(), '')
        t.equal(again.headers.get('etag'), etag)
        t.match(again.headers.get('cache-control'), /max-age=300/)
      }
      const other = await fetch(`${wellKnown}/${name}`, { headers: { 'if-none-match': '"x"' } })
      t.equal(other.status, 200)
    }
  })

  t.test(
    'the JWKS has public keys only, the signing ones and the next (RFC 7517 §5)',
    async (t) => {
      const response = await fetch(`${wellKnown}/jwks.json`)
      t.match(response.headers.get('content-type'), /^application\/(jwk-set\+)?json/)
      const { keys } = (await response.json()) as { keys: Record<string, string>[] }
      for (const alg of ['RS256', 'ES256'])
        t.equal(keys.filter((key) => key['alg'] === alg).length, 2)
      t.equal(new Set(keys.map(({ kid }) => kid)).size, 4)
      const members = {
        RS256: ['kty', 'use', 'alg', 'kid', 'n', 'e'],
        ES256: ['kty', 'use', 'alg', 'kid', 'crv', 'x', 'y'],
      }
      for (const key of keys)
        t.strictSame(Object.keys(key).toSorted(), members[key['alg'] as 'RS256'].toSorted())
    },
  )

  t.test('a rotation changes the JWKS and its ETag', async (t) => {
    const before = await fetch(`${wellKnown}/jwks.json`)
    await provider.services.rotation.rotate({ algorithms: ['ES256'], force: true, actor: 'ada' })
    await provider.services.keyring.load()
    const after = await fetch(`${wellKnown}/jwks.json`)
    t.not(after.headers.get('etag'), before.headers.get('etag'))
    t.not(await after.text(), await before.text())
  })
})
