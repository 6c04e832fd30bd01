/** oidcc-dynamic-certification-test-plan for response_type=code, and oidcc-3rdparty-init-login: clients register themselves. */
import { decodeProtectedHeader, exportJWK, generateKeyPair, type JSONWebKeySet } from 'jose'
import t, { type Test } from 'tap'
import { keyClient } from '../support/suite-client.ts'
import type { Run } from '../support/suite-run.ts'
import { createSuite } from '../support/suite.ts'
import { runModules, type Module } from './module.ts'
import { registerClient, sendRegistration } from './registration.ts'

const suite = await createSuite(t, { environment: { CLAVIGER_REGISTRATION: 'open' } })
const { provider, issuer } = suite
const { callback } = suite.addresses
const withQuery = `${callback}?foo=bar`

async function publishedKids(): Promise<(string | undefined)[]> {
  const answer = await suite.fetch(String(suite.metadata['jwks_uri']))
  const { keys } = (await answer.json()) as JSONWebKeySet
  return keys.map(({ kid }) => kid)
}

async function refuses(t: Test, metadata: object, error: string): Promise<void> {
  t.hasStrict(await sendRegistration(suite, metadata), { status: 400, body: { error } })
}

/** An error page at the endpoint, and nobody is sent anywhere. */
const staysHere = (redirectUri: string | undefined) => async (run: Run) => {
  const { page, pictures } = await run.visit({ redirect_uri: redirectUri })
  run.t.ok(page.url.startsWith(`${issuer}/authorize?`))
  run.t.equal(pictures.length, 1)
}

const showsOnLogin = (html: string) => async (run: Run) => {
  const { page, pictures } = await run.visit()
  run.t.ok(page.url.startsWith(`${issuer}/login?`))
  run.t.ok(page.html.includes(html))
  run.t.equal(pictures.length, 1)
}

const modules: Module[] = [
  {
    name: 'oidcc-idtoken-rs256',
    says: 'who asks for RS256 gets RS256, by a key that is named',
    metadata: { id_token_signed_response_alg: 'RS256' },
    async run({ flow }) {
      await flow()
    },
  },
  {
    name: 'oidcc-idtoken-signature',
    says: 'who asks for no algorithm gets RS256, by a key that is named',
    async run({ t, flow }) {
      const { tokens } = await flow()
      t.match(decodeProtectedHeader(String(tokens['id_token'])), { alg: 'RS256', kid: String })
    },
  },
  {
    name: 'oidcc-idtoken-unsigned',
    says: 'ID tokens without a signature are not advertised, and not to be had',
    async run({ t }) {
      const algorithms = suite.metadata['id_token_signing_alg_values_supported'] as string[]
      t.notOk(algorithms.includes('none'))
      await refuses(t, { id_token_signed_response_alg: 'none' }, 'invalid_client_metadata')
    },
  },
  {
    name: 'oidcc-ensure-redirect-uri-in-authorization-request',
    says: 'of two redirect URIs the request must name one',
    metadata: { redirect_uris: [callback, withQuery] },
    run: staysHere(undefined),
  },
  {
    name: 'oidcc-redirect-uri-query-OK',
    says: 'the query of a registered redirect URI comes back',
    metadata: { redirect_uris: [withQuery] },
    async run({ flow }) {
      await flow({ redirect_uri: withQuery })
    },
  },
  {
    name: 'oidcc-redirect-uri-query-mismatch',
    says: 'another query makes another redirect URI',
    metadata: { redirect_uris: [withQuery] },
    run: staysHere(`${callback}?bar=foo`),
  },
  {
    name: 'oidcc-redirect-uri-query-added',
    says: 'an added query makes another redirect URI',
    run: staysHere(withQuery),
  },
  {
    name: 'oidcc-redirect-uri-regfrag',
    says: 'a redirect URI with a fragment is not registered',
    async run({ t }) {
      await refuses(t, { redirect_uris: [`${callback}#foobar`] }, 'invalid_redirect_uri')
    },
  },
  {
    name: 'oidcc-3rd_party-init-login-nohttps',
    says: 'a sign-in is begun by https alone',
    async run({ t }) {
      const initiate_login_uri = 'http://suite.example/initiate_login'
      await refuses(t, { initiate_login_uri }, 'invalid_client_metadata')
    },
  },
  {
    name: 'oidcc-registration-logo-uri',
    says: 'the login page shows the logo',
    metadata: { logo_uri: 'https://suite.example/logo.png' },
    run: showsOnLogin('src="https://suite.example/logo.png"'),
  },
  {
    name: 'oidcc-registration-policy-uri',
    says: 'the login page links to the policy',
    metadata: { policy_uri: 'https://suite.example/policy' },
    run: showsOnLogin('<a href="https://suite.example/policy"'),
  },
  {
    name: 'oidcc-registration-tos-uri',
    says: 'the login page links to the terms of service',
    metadata: { tos_uri: 'https://suite.example/tos' },
    run: showsOnLogin('<a href="https://suite.example/tos"'),
  },
  {
    name: 'oidcc-ensure-client-assertion-with-iss-aud-succeeds',
    says: 'an assertion may be for the issuer, and for the token endpoint itself',
    async run({ t, authorize, redeem }) {
      const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
      const named = { kid: 'of the suite', alg: 'RS256', use: 'sig' }
      const { clientId } = await registerClient(t, suite, {
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...(await exportJWK(publicKey)), ...named }] },
      })
      const key = { ...(await exportJWK(privateKey)), ...named }
      for (const audience of [{ audience: issuer }, {}]) {
        const response = await authorize({ client_id: clientId })
        const client = keyClient(clientId, { key, now: provider.clock.now, ...audience })
        t.equal((await redeem(response, {}, client)).status, 200)
      }
    },
  },
  {
    name: 'oidcc-server-rotate-keys',
    says: 'after a rotation the new key is published beside the old one',
    async run({ t }) {
      const before = await publishedKids()
      await provider.services.rotation.rotate({ algorithms: ['RS256'], force: true, actor: 'ada' })
      await provider.services.keyring.load()
      const after = await publishedKids()
      t.ok(before.every((kid) => after.includes(kid)))
      t.ok(after.length > before.length)
    },
  },
]

runModules(t, 'oidcc-dynamic', suite, modules, (t, { metadata }) =>
  registerClient(t, suite, metadata),
)
