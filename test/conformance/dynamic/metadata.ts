/** Modules of the Dynamic OP plan about what a client registers of userinfo and its sector, and what cannot be registered. */
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import type { Suite } from '../../support/suite.ts'
import type { Module } from '../module.ts'
import { refuses, registerClient, type Publish } from '../registration.ts'

export function metadataModules(suite: Suite, publish: Publish): Module[] {
  const { metadata, addresses, issuer } = suite
  const listOf = (name: string) => metadata[name] as string[]
  const inSector = (...uris: string[]) => ({
    subject_type: 'pairwise',
    sector_identifier_uri: publish('/redirect_uris.json', uris),
  })

  return [
    {
      name: 'oidcc-userinfo-rs256',
      says: 'who asks for it gets userinfo as a JWT from the issuer for this client, without a nonce',
      metadata: { userinfo_signed_response_alg: 'RS256' },
      async run({ t, authorize, redeem }) {
        t.ok(listOf('userinfo_signing_alg_values_supported').includes('RS256'))
        const response = await authorize()
        const { body } = await redeem(response)
        const answer = await suite.fetch(String(metadata['userinfo_endpoint']), {
          headers: { authorization: `Bearer ${String(body['access_token'])}` },
        })
        t.equal(answer.status, 200)
        t.match(answer.headers.get('content-type'), /^application\/jwt\b/)
        const { payload } = await jwtVerify(await answer.text(), createLocalJWKSet(suite.jwks), {
          issuer,
          audience: String(response.sent['client_id']),
          algorithms: ['RS256'],
          currentDate: suite.provider.clock.now(),
        })
        t.equal(payload.sub, decodeJwt(String(body['id_token'])).sub)
        t.notOk('nonce' in payload)
      },
    },
    {
      name: 'oidcc-redirect-uri-regfrag',
      says: 'a redirect URI with a fragment is not registered',
      async run({ t }) {
        const redirect_uris = [`${addresses.callback}#foobar`]
        await refuses(t, suite, { redirect_uris }, 'invalid_redirect_uri')
      },
    },
    {
      name: 'oidcc-registration-sector-uri',
      says: 'a sector whose document has the redirect URIs is registered',
      async run({ t }) {
        t.ok(listOf('subject_types_supported').includes('pairwise'))
        const pairwise = inSector(addresses.callback, 'https://suite.example/other')
        const { information } = await registerClient(t, suite, pairwise)
        t.hasStrict(information, pairwise)
      },
    },
    {
      name: 'oidcc-registration-sector-bad',
      says: 'one whose document has others is refused',
      async run({ t }) {
        const pairwise = inSector('https://suite.example/other')
        await refuses(t, suite, pairwise, 'invalid_client_metadata')
      },
    },
    {
      name: 'oidcc-request-uri-unsigned',
      says: 'request objects without a signature are not advertised',
      async run({ t }) {
        t.notOk(listOf('request_object_signing_alg_values_supported').includes('none'))
      },
    },
    {
      name: 'oidcc-request-uri-signed-rs256',
      says: 'a request object by reference is not advertised, and a request that has one is refused',
      metadata: { request_uris: ['https://suite.example/request.jwt'] },
      async run({ t, authorize }) {
        t.equal(metadata['request_uri_parameter_supported'], false)
        const { fields } = await authorize({ request_uri: 'https://suite.example/request.jwt' })
        t.equal(fields['error'], 'request_uri_not_supported')
      },
    },
  ]
}
