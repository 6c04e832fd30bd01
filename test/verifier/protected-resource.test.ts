import t from 'tap'
import { proofAlgorithms } from '../../src/verifier/dpop-proof.ts'
import { metadataUrlOf, protectedResourceMetadata } from '../../src/verifier/protected-resource.ts'

const issuer = 'https://issuer.example'
const audience = 'https://api.example.com'

t.test('the well-known part comes between host and path (RFC 9728 §3)', async (t) => {
  const known = '/.well-known/oauth-protected-resource'
  const urls: [resource: string, url: string][] = [
    ['https://api.example.com', `https://api.example.com${known}`],
    ['https://api.example.com/', `https://api.example.com${known}`],
    ['https://api.example.com:8443/v1', `https://api.example.com:8443${known}/v1`],
    ['https://api.example.com/v1/', `https://api.example.com${known}/v1/`],
    ['https://api.example.com/v1?tenant=a', `https://api.example.com${known}/v1?tenant=a`],
    ['http://localhost:3000/v1', `http://localhost:3000${known}/v1`],
  ]
  for (const [resource, url] of urls) t.equal(metadataUrlOf(resource), url)
})

t.test('only https URLs without fragment identify a resource (RFC 9728 §1.2)', async (t) => {
  for (const resource of [
    '',
    'orders',
    'http://api.example.com',
    'https://api.example.com#a',
    'urn:x',
  ]) {
    t.throws(() => metadataUrlOf(resource), TypeError, resource)
    t.throws(() => protectedResourceMetadata({ issuer, audience }, { resource }), TypeError)
  }
  t.throws(
    () => protectedResourceMetadata({ issuer, audience: [audience, 'https://b.example'] }),
    TypeError,
  )
})

t.test('it tells which issuer is trusted, and how tokens may come (RFC 9728 §2)', async (t) => {
  t.strictSame(protectedResourceMetadata({ issuer, audience: [audience] }), {
    resource: audience,
    authorization_servers: [issuer],
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: proofAlgorithms,
  })
  t.strictSame(
    protectedResourceMetadata(
      { issuer, audience },
      {
        resource: 'https://api.example.com/v1',
        schemes: ['Bearer'],
        metadata: { scopes_supported: ['orders:read'], resource_name: 'Orders' },
      },
    ),
    {
      resource: 'https://api.example.com/v1',
      authorization_servers: [issuer],
      bearer_methods_supported: ['header'],
      scopes_supported: ['orders:read'],
      resource_name: 'Orders',
    },
  )
  t.equal(
    protectedResourceMetadata({ issuer, audience }, { schemes: ['DPoP'] })[
      'dpop_bound_access_tokens_required'
    ],
    true,
  )
})
