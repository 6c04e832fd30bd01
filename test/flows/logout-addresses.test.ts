/** Where logout tokens may go: a backchannel_logout_uri is whatever a client has registered. */
import t from 'tap'
import { encode, obtainTokens, startSession } from '../support/flow.ts'
import { createDeliveringNode } from '../support/logout-receiver.ts'
import { createTestProvider } from '../support/provider.ts'
import { createWebServer } from '../support/web-server.ts'

const web = await createWebServer(t, (_request, response) => response.end())

/** Why the client was not told of a logout; undefined when it was. */
async function findFault(environment: Record<string, string>): Promise<string | undefined> {
  const provider = await createTestProvider(t, environment)
  const { sub } = await provider.createUser()
  const client = await provider.createClient({
    skip_consent: true,
    backchannel_logout_uri: `${web.origin}/logout`,
  })
  const browser = await startSession(provider, sub)
  const { id_token } = await obtainTokens(provider, browser, client)
  await browser.open(`${provider.issuer}/logout?${encode({ id_token_hint: id_token }).toString()}`)
  await createDeliveringNode(provider, provider.services).run()
  const [waiting] = await provider.services.logouts.list({ clientId: undefined, limit: 1 })
  return waiting?.lastError
}

t.test("a certificate authority of one's own is trusted when it is set", async (t) => {
  t.equal(await findFault({ CLAVIGER_OUTGOING_CA_FILE: web.caFile }), undefined)
  t.strictSame(
    web.requests.map(({ path }) => path),
    ['/logout'],
  )
  t.equal(await findFault({}), 'no connection: DEPTH_ZERO_SELF_SIGNED_CERT')
})

t.test('nothing is sent to a special-use address that is not allowed', async (t) => {
  const { length } = web.requests
  const fault = await findFault({
    CLAVIGER_OUTGOING_CA_FILE: web.caFile,
    CLAVIGER_OUTGOING_ALLOWED_NETWORKS: '10.0.0.0/8',
  })
  t.equal(fault, 'a special-use address, which CLAVIGER_OUTGOING_ALLOWED_NETWORKS forbids')
  t.equal(web.requests.length, length)
})
