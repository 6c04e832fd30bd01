import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { validateClientMetadata, withoutDerived } from '../../src/clients/metadata.ts'

const supported = {
  grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
  authMethods: ['client_secret_basic', 'private_key_jwt', 'none'],
  algorithms: ['RS256', 'ES256'],
}
const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'a' }] }
const bank = { profile: 'fapi2', redirect_uris: ['https://bank.example/callback'], jwks }

function faultsOf(input: object): string[] {
  return validateClientMetadata(input, supported).faults.map(({ member }) => member)
}

t.test('the profile fapi2 switches on what FAPI 2.0 asks', async (t) => {
  const { metadata } = validateClientMetadata(bank, supported)
  t.match(metadata, {
    token_endpoint_auth_method: 'private_key_jwt',
    id_token_signed_response_alg: 'ES256',
    require_pushed_authorization_requests: true,
    require_pkce: true,
    dpop_bound_access_tokens: true,
  })
})

t.test('a certificate binds the tokens of a fapi2 client instead of DPoP', async (t) => {
  const mtls = { ...bank, tls_client_certificate_bound_access_tokens: true }
  const authMethods = [...supported.authMethods, 'self_signed_tls_client_auth']
  const { metadata } = validateClientMetadata(mtls, { ...supported, authMethods })
  t.equal(metadata?.dpop_bound_access_tokens, undefined)
  const { faults } = validateClientMetadata(mtls, supported)
  t.match(faults[0]?.message, /Clients can show no certificates here/)
  const without = { ...bank, tls_client_certificate_bound_access_tokens: false }
  t.strictSame(validateClientMetadata(without, supported).faults, [], 'to say so does no harm')
})

t.test('what a profile demands cannot be undone', async (t) => {
  const undone: Record<string, unknown> = {
    token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: 'RS256',
    request_object_signing_alg: 'RS256',
    require_pushed_authorization_requests: false,
    require_pkce: false,
    dpop_bound_access_tokens: false,
    redirect_uris: ['http://localhost/callback'],
  }
  for (const [member, value] of Object.entries(undone))
    t.same(faultsOf({ ...bank, [member]: value }), [member], member)
  const mcp = { profile: 'mcp', redirect_uris: ['https://agent.example/callback'] }
  t.same(faultsOf({ ...mcp, require_pkce: false }).includes('require_pkce'), true)
})

t.test(
  'the profile mcp is a public client, a native one when it listens on loopback',
  async (t) => {
    const agent = { profile: 'mcp', redirect_uris: ['http://127.0.0.1/callback'] }
    t.match(validateClientMetadata(agent, supported).metadata, {
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
      scope: 'openid profile email offline_access',
      require_pkce: true,
    })
    const hosted = { ...agent, redirect_uris: ['https://agent.example/callback'] }
    t.equal(validateClientMetadata(hosted, supported).metadata?.application_type, 'web')
  },
)

t.test('the defaults follow a change of the profile', async (t) => {
  const plain = validateClientMetadata(
    { redirect_uris: ['https://app.example/callback'] },
    supported,
  )
  const given = { ...withoutDerived(plain.metadata!), profile: 'fapi2', jwks }
  const { metadata, faults } = validateClientMetadata(given, supported)
  t.same(faults, [])
  t.equal(metadata?.token_endpoint_auth_method, 'private_key_jwt')
  t.equal(metadata?.id_token_signed_response_alg, 'ES256')
})
