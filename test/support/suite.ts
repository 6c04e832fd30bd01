/** The conformance suite as our tests play it: a provider on native TLS, provisioned by the suite's own seed, and its modules. */
import { join } from 'node:path'
import type { JSONWebKeySet } from 'jose'
import type { Test } from 'tap'
import type { Environment } from '../../src/config.ts'
import { seed } from '../../src/services/seed.ts'
import { browserFor } from '../conformance/plan/browser.ts'
import type { AllCredentials } from '../conformance/plan/fapi-clients.ts'
import { addressesOf, clientIds, seedFor } from '../conformance/plan/seed.ts'
import type { TestClock } from './clock.ts'
import { createTestProvider, freePort, type TestProvider } from './provider.ts'
import { createSelfSigned } from './self-signed.ts'
import { basicClient, postClient, type SuiteClient } from './suite-client.ts'
import { createRun, type Run } from './suite-run.ts'
import { createTrustingFetch } from './trusting-fetch.ts'

export interface Suite {
  provider: TestProvider
  issuer: string
  metadata: Record<string, unknown>
  jwks: JSONWebKeySet
  fetch: typeof fetch
  /** As PEM, and in which files. */
  tls: { cert: string; certFile: string; keyFile: string }
  addresses: ReturnType<typeof addressesOf>
  clients: Record<'client' | 'client2' | 'secretPost' | 'logout' | 'backchannelLogout', SuiteClient>
  begin(t: Test, module: string, options?: { client: SuiteClient }): Run
}

export interface SuiteOptions {
  /** The variant that a plan is run with. */
  responseMode?: 'form_post'
  /** Where clients are called back. */
  suite?: string
  environment?: Environment
  /** Of the FAPI 2.0 clients that there are to be. */
  credentials?: AllCredentials
  /** Who issues client certificates (PEM); with one, a port of its own asks for them. */
  authority?: string
  clock?: TestClock
}

export async function createSuite(
  t: Test,
  {
    responseMode,
    suite: base = 'https://suite.example',
    environment = {},
    credentials,
    authority,
    clock: ownClock,
  }: SuiteOptions = {},
): Promise<Suite> {
  const { cert, key } = createSelfSigned()
  const directory = t.testdir({
    'cert.pem': cert,
    'key.pem': key,
    'authorities.pem': authority ?? '',
  })
  const [certFile, keyFile] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  const port = await freePort()
  const provider = await createTestProvider(
    t,
    {
      ISSUER: `https://127.0.0.1:${port}`,
      PORT: String(port),
      TLS_CERT_FILE: certFile,
      TLS_KEY_FILE: keyFile,
      ...(authority !== undefined && {
        CLAVIGER_MTLS_PORT: String(await freePort()),
        CLAVIGER_TLS_CLIENT_CA_FILE: join(directory, 'authorities.pem'),
      }),
      ...environment,
    },
    ownClock && { clock: ownClock },
  )
  const { issuer, clock, config, database } = provider
  const address = { suite: base, alias: 'claviger' }
  await seed({ config, database, clock }, seedFor(address, credentials), {
    actor: 'test',
    reason: 'suite',
  })
  const send = createTrustingFetch(cert)
  const read = async (url: string) => (await send(url)).json()
  const metadata = await read(`${issuer}/.well-known/openid-configuration`)
  const { blocks, overrides } = browserFor(issuer, base)

  const suite: Suite = {
    provider,
    issuer,
    metadata,
    jwks: await read(metadata.jwks_uri),
    fetch: send,
    tls: { cert, certFile, keyFile },
    addresses: addressesOf(address),
    clients: {
      client: basicClient(clientIds.basic),
      client2: basicClient(clientIds.basic2),
      secretPost: postClient(clientIds.secretPost),
      logout: basicClient(clientIds.logout),
      backchannelLogout: basicClient(clientIds.backchannelLogout),
    },
    begin: (t, module, { client } = { client: suite.clients.client }) =>
      createRun(t, suite, {
        client,
        responseMode,
        blocks: overrides[module]?.browser ?? blocks,
      }),
  }
  return suite
}
