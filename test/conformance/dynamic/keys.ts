/** Modules of the Dynamic OP plan about keys, the client's and ours (OpenID Connect Core §10.1.1, RFC 7591 §2 jwks_uri). */
import type { JSONWebKeySet } from 'jose'
import { checkIdToken, checkTokenResponse } from '../../support/suite-checks.ts'
import { keyClient } from '../../support/suite-client.ts'
import type { Suite } from '../../support/suite.ts'
import type { Module } from '../module.ts'
import {
  createClientKey,
  publicKeySet,
  registerClient,
  suiteKey,
  type Publish,
} from '../registration.ts'

const registeringKeysAt = (jwks_uri: string) => ({
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: undefined,
  jwks_uri,
})

export function keyModules(suite: Suite, publish: Publish): Module[] {
  const { provider, issuer } = suite
  const { now } = provider.clock

  async function publishedKids(): Promise<(string | undefined)[]> {
    const answer = await suite.fetch(String(suite.metadata['jwks_uri']))
    const { keys } = (await answer.json()) as JSONWebKeySet
    return keys.map(({ kid }) => kid)
  }

  return [
    {
      name: 'oidcc-registration-jwks-uri',
      says: 'a client authenticates by the keys that are at its jwks_uri',
      async run({ t }) {
        const key = await createClientKey('only')
        const metadata = registeringKeysAt(publish('/only', publicKeySet(key)))
        const client = await registerClient(t, suite, metadata, key)
        t.equal(client.information['jwks_uri'], metadata.jwks_uri)
        t.notOk('jwks' in client.information)
        await suite.begin(t, 'oidcc-registration-jwks-uri', { client }).flow()
      },
    },
    {
      name: 'oidcc-refresh-token-rp-key-rotation',
      says: 'a minute after a client has replaced its key, it refreshes with the new one and not with the old',
      async run({ t }) {
        const [before, after] = [await createClientKey('before'), await createClientKey('after')]
        const metadata = {
          ...registeringKeysAt(publish('/rotated', publicKeySet(before))),
          grant_types: ['authorization_code', 'refresh_token'],
        }
        const client = await registerClient(t, suite, metadata, before)
        const { clientId } = client
        const run = suite.begin(t, 'oidcc-refresh-token-rp-key-rotation', { client })
        const offline = { scope: 'openid offline_access', prompt: 'consent' }
        const { tokens, idToken } = await run.flow(offline)

        publish('/rotated', publicKeySet(after))
        provider.clock.advance(60)
        const refreshing = {
          grant_type: 'refresh_token',
          refresh_token: String(tokens['refresh_token']),
        }
        const answer = await run.token(refreshing, keyClient(clientId, { key: after, now }))
        checkTokenResponse(t, answer)
        const refreshed = await checkIdToken(t, String(answer.body['id_token']), {
          jwks: suite.jwks,
          issuer,
          clientId,
          nonce: undefined,
          alg: 'RS256',
          now: now(),
        })
        t.equal(refreshed.sub, idToken.sub)
        t.equal((await run.userinfo(String(answer.body['access_token']))).status, 200)
        t.hasStrict(await run.token(refreshing), { body: { error: 'invalid_client' } })
      },
    },
    {
      name: 'oidcc-ensure-client-assertion-with-iss-aud-succeeds',
      says: 'an assertion may be for the issuer, not for the token endpoint alone',
      async run({ t, authorize, redeem }) {
        const response = await authorize()
        const clientId = String(response.sent['client_id'])
        const client = keyClient(clientId, { key: suiteKey, now, audience: issuer })
        t.equal((await redeem(response, {}, client)).status, 200)
      },
    },
    {
      name: 'oidcc-server-rotate-keys',
      says: 'after a rotation the new key is published beside the old one',
      async run({ t }) {
        const before = await publishedKids()
        const { rotation, keyring } = provider.services
        await rotation.rotate({ algorithms: ['RS256'], force: true, actor: 'ada' })
        await keyring.load()
        const after = await publishedKids()
        t.ok(before.every((kid) => after.includes(kid)))
        t.ok(after.length > before.length)
      },
    },
  ]
}
