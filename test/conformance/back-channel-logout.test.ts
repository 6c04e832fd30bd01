/** oidcc-backchannel-rp-initiated-logout-certification-test-plan, with a static and with dynamic clients (OpenID Connect Back-Channel Logout 1.0). */
import t from 'tap'
import {
  createDeliveringNode,
  createLogoutReceiver,
  verifyLogoutToken,
} from '../support/logout-receiver.ts'
import { createSuite } from '../support/suite.ts'
import { startLogout } from './logout.ts'
import { runModules, type Module } from './module.ts'
import { registerClient } from './registration.ts'

const suite = await createSuite(t, { environment: { CLAVIGER_REGISTRATION: 'open' } })
const { provider, addresses, clients } = suite
const receiver = await createLogoutReceiver(t)
await provider.services.clients.update(clients.backchannelLogout.clientId, {
  backchannel_logout_uri: receiver.uri,
})
const node = createDeliveringNode(provider, provider.services)
const state = 'x'.repeat(128)

const modules: Module[] = [
  {
    name: 'oidcc-backchannel-logout-discovery-endpoint-verification',
    says: 'logout tokens and their sid are advertised',
    async run({ t }) {
      t.hasStrict(suite.metadata, {
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
      })
    },
  },
  {
    name: 'oidcc-backchannel-rp-initiated-logout',
    says: 'a logout reaches the client by both ways: the redirect, and a token that names the session',
    async run(run) {
      const { t } = run
      const { flow, hint, leave, isSignedOut } = await startLogout(run)
      const { page } = await leave({
        id_token_hint: hint,
        post_logout_redirect_uri: addresses.postLogoutRedirect,
        state,
      })
      t.equal(page.url, `${addresses.postLogoutRedirect}?state=${state}`)
      await node.run()
      t.equal(receiver.received.length, 1)
      const [received] = receiver.received.splice(0)
      t.strictSame(Object.keys(received?.fields ?? {}), ['logout_token'])
      const clientId = String(flow.sent['client_id'])
      const token = await verifyLogoutToken(provider, received!, clientId, suite.fetch)
      const { sub, sid } = flow.idToken
      t.hasStrict(token, { sub, sid, iat: Number(token.exp) - 120 })
      t.type(token.jti, 'string')
      t.strictSame(token['events'], {
        'http://schemas.openid.net/event/backchannel-logout': {},
      })
      t.notOk('nonce' in token)
      t.ok(await isSignedOut())
    },
  },
]

runModules(
  t,
  'oidcc-backchannel-rp-initiated-logout',
  suite,
  modules,
  () => clients.backchannelLogout,
)
runModules(t, 'oidcc-backchannel-rp-initiated-logout (dynamic)', suite, modules, (t) =>
  registerClient(t, suite, {
    post_logout_redirect_uris: [addresses.postLogoutRedirect],
    backchannel_logout_uri: receiver.uri,
    backchannel_logout_session_required: true,
  }),
)
