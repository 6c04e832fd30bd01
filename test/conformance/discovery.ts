/** Modules about the configuration (OpenID Connect Discovery 1.0 §3, RFC 8414 §2). */
import type { Suite } from '../support/suite.ts'
import { knownMetadata } from './known-metadata.ts'
import type { Module } from './module.ts'
import { ownMetadata } from './plan/plans.ts'

export function discoveryModules({ provider, issuer, metadata }: Suite): Module[] {
  const listOf = (name: string) => metadata[name] as string[]

  return [
    {
      name: 'oidcc-discovery-endpoint-verification',
      says: 'the configuration is JSON at the place that the issuer tells, and complete',
      async run({ t, suite }) {
        const url = `${issuer}/.well-known/openid-configuration`
        const answer = await suite.fetch(url)
        t.equal(answer.status, 200)
        t.match(answer.headers.get('content-type'), /^application\/json\b/)
        t.equal(metadata['issuer'], issuer)
        t.match(new URL(issuer), { protocol: 'https:', search: '', hash: '', username: '' })
        t.equal('registration_endpoint' in metadata, provider.config.registration !== 'off')

        t.strictSame(listOf('response_types_supported'), ['code'])
        t.ok(listOf('subject_types_supported').includes('public'))
        t.ok(listOf('id_token_signing_alg_values_supported').includes('RS256'))
        t.ok(listOf('claims_supported').includes('sub'))
        t.ok(listOf('grant_types_supported').includes('authorization_code'))
        t.ok(listOf('scopes_supported').includes('openid'))
        t.ok(listOf('scopes_supported').every((scope) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)))
        t.strictSame(listOf('code_challenge_methods_supported'), ['S256'])
      },
    },
    {
      name: 'oidcc-discovery-endpoint-verification',
      says: 'every address is one of https',
      async run({ t }) {
        const addresses = Object.entries(metadata).filter(([name]) => /_endpoint$|_uri$/.test(name))
        for (const name of ['authorization', 'token', 'userinfo'])
          t.ok(addresses.some(([known]) => known === `${name}_endpoint`))
        for (const [name, address] of addresses) t.match(address, /^https:\/\/[^?#]+$/, name)
      },
    },
    {
      name: 'oidcc-discovery-endpoint-verification',
      says: 'every name is of a specification, but those that the plans are told of',
      async run({ t }) {
        const unknown = Object.keys(metadata).filter((name) => !knownMetadata.includes(name))
        t.strictSame(
          unknown.filter((name) => !ownMetadata.includes(name)),
          [],
        )
      },
    },
    {
      name: 'oidcc-discovery-endpoint-verification',
      says: 'every value has the type of its name (RFC 8414 §2)',
      async run({ t }) {
        for (const [name, value] of Object.entries(metadata))
          if (/_(parameter|logout|session|object|requests)_supported$/.test(name))
            t.type(value, 'boolean', name)
          else if (name.endsWith('_supported') && Array.isArray(value))
            t.ok(value.length > 0 && value.every((one) => typeof one === 'string'), name)
      },
    },
  ]
}
