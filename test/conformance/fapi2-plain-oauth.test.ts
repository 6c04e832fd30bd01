/** fapi2-security-profile-final-test-plan without OpenID Connect; the protected resource is the one of the examples. */
import t from 'tap'
import { runExample } from '../examples/running.ts'
import { createRunningClock } from '../support/clock.ts'
import { speaksTlsWell } from '../support/handshake.ts'
import { freePort } from '../support/provider.ts'
import type { Suite } from '../support/suite.ts'
import { fapi2Modules } from './fapi2/index.ts'
import { runFapi2Modules } from './fapi2/module.ts'
import { createFapi2Suite } from './fapi2/variant.ts'
import { clientSecret } from './plan/seed.ts'

/** The example, on a port of its own. */
async function startResource({ issuer, tls }: Suite): Promise<string> {
  const port = String(await freePort())
  const url = await runExample(t, 'fapi-api.mjs', {
    ISSUER: issuer,
    PORT: port,
    BASE_URL: `https://127.0.0.1:${port}`,
    CLIENT_SECRET: clientSecret,
    TLS_CERT_FILE: tls.certFile,
    TLS_KEY_FILE: tls.keyFile,
    NODE_EXTRA_CA_CERTS: tls.certFile,
  })
  return url.href
}

// Once the clock was moved, the resource, which has the real one, thinks that tokens are of the future.
const modules = fapi2Modules.toSorted(
  (one, other) => Number(one.waits ?? false) - Number(other.waits ?? false),
)

for (const [pair, only] of [
  ['conformance-fapi-oauth', /./],
  ['conformance-fapi-oauth-mtls', /^(happy-flow|ensure-holder-of-key)/],
] as const)
  t.test(pair, async (t) => {
    const clock = createRunningClock()
    const suite = await createFapi2Suite(t, pair, { clock, startResource })
    const resource = String(suite.variant.resource)

    t.test('§5: the resource speaks TLS as FAPI 2.0 asks for', (t) =>
      speaksTlsWell(t, { port: Number(new URL(resource).port), ca: suite.suite.tls.cert }),
    )

    t.test('a token that is bound to nothing is refused by the resource', async (t) => {
      const { provider, fetch } = suite.suite
      const service = await provider.createClient({
        grant_types: ['client_credentials'],
        redirect_uris: [],
        scope: 'accounts',
      })
      const grant = { grant_type: 'client_credentials', scope: 'accounts' }
      const basic = Buffer.from(`${service.clientId}:${service.secret}`).toString('base64')
      const tokens = await fetch(`${suite.suite.issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${basic}` },
        body: new URLSearchParams(grant),
      })
      const { access_token: token } = (await tokens.json()) as { access_token: string }
      const answer = await fetch(resource, { headers: { authorization: `Bearer ${token}` } })
      t.equal(answer.status, 401)
    })

    runFapi2Modules(t, 'fapi2-security-profile-final', suite, modules, { only })
  })
