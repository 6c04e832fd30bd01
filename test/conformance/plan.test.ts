/** npm run conformance:config: what it writes seeds a provider, and leads the suite's browser through its pages. */
import { execFile } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { readConfig } from '../../src/config.ts'
import { createTestCli } from '../cli/run-cli.ts'
import { packageRoot } from '../support/postgres-run.ts'
import { createSuiteBrowser } from '../support/suite-browser.ts'
import { createSuite } from '../support/suite.ts'
import { createSelfSigned } from '../support/self-signed.ts'
import type { BrowserBlock } from './plan/browser.ts'
import { plansFor } from './plan/plans.ts'
import { openRegistration } from './registration.ts'

interface PlanConfig {
  alias?: string
  server: { discoveryUrl: string }
  client: Record<string, unknown>
  client2: Record<string, unknown>
  mtls?: { cert: string; key: string }
  resource: { resourceUrl: string }
  browser: BrowserBlock[]
  override: Record<string, { browser: BrowserBlock[] }>
}

const script = join(packageRoot, 'build/test/conformance/plan/write.js')

async function write(issuer: string) {
  const args = Object.entries({
    issuer,
    suite: 'https://suite.example/',
    out: directory,
    resource: 'https://api.example/accounts',
    'mtls-issuer': 'https://op.example:8443/',
  }).flatMap(([name, value]) => [`--${name}`, value])
  await promisify(execFile)(process.execPath, [script, ...args])
  const read = async (file: string) => JSON.parse(await readFile(join(directory, file), 'utf8'))
  const plans = (await readFile(join(directory, 'plans.txt'), 'utf8')).trim().split('\n')
  return { plans: plans.map((line) => line.split(' ')), read }
}

const directory = t.testdir()
const { plans, read } = await write('https://op.example')

t.test('what is missing or misspelt is said in one line', async (t) => {
  const op = ['--issuer', 'https://op.example']
  const suite = ['--suite', 'https://suite.example']
  for (const [args, sentence] of [
    [[...op, ...suite], 'error: --out is missing.'],
    [[...suite, '--out', 'x'], 'error: --issuer is missing.'],
    [[...op, '--suite', 'suite.example', '--out', 'x'], 'error: --suite must be an https URL.'],
    [[...op, ...suite, '--alais', 'x'], "error: Unknown option '--alais'"],
  ] as const)
    await t.rejects(promisify(execFile)(process.execPath, [script, ...args]), {
      code: 2,
      stderr: new RegExp(`^${sentence}\n\nWrites`),
    })
})

t.test(
  'the settings of docs/conformance.md are settings, and those of our own plans',
  async (t) => {
    const guide = await readFile(join(packageRoot, 'docs/conformance.md'), 'utf8')
    const [, block = ''] = /```sh\n( *export [^`]+)```/.exec(guide) ?? []
    const settings = Object.fromEntries(
      [...block.matchAll(/\b([A-Z_]+)=(\S+)/g)].map(([, name = '', value]) => [name, value]),
    )
    t.hasStrict(settings, openRegistration)
    const { cert, key } = createSelfSigned()
    const directory = t.testdir({ 'cert.pem': cert, 'key.pem': key, 'suite.pem': cert })
    for (const name of ['TLS_CERT_FILE', 'TLS_KEY_FILE', 'CLAVIGER_OUTGOING_CA_FILE'])
      settings[name] = join(directory, String(settings[name]))
    t.match(readConfig(settings), { issuer: 'https://op.example:3000', port: 3000 })
  },
)

t.test('the seed is taken by claviger seed, as often as it is given', async (t) => {
  const { json } = await createTestCli(t)
  const { cert, key } = createSelfSigned()
  const tls = t.testdir({ 'cert.pem': cert, 'key.pem': key })
  const env = {
    ISSUER: 'https://op.example',
    TLS_CERT_FILE: join(tls, 'cert.pem'),
    TLS_KEY_FILE: join(tls, 'key.pem'),
    CLAVIGER_MTLS_PORT: '8443',
    CLAVIGER_TLS_CLIENT_CA_FILE: join(directory, 'authorities.pem'),
  }
  const { users, clients } = await read('seed.json')
  for (const change of ['created', 'updated']) {
    const input = JSON.stringify({ users, clients })
    const { seeded } = await json(['seed', '-'], { input, env })
    t.strictSame(
      seeded.map((one: { change: string }) => one.change),
      [...users, ...clients].map(() => change),
    )
  }
  t.match(await json(['users', 'show', users[0].email]), { claims: users[0].claims })
  t.match(await json(['clients', 'show', 'conformance-message-signing']), {
    token_endpoint_auth_method: 'private_key_jwt',
    require_pushed_authorization_requests: true,
    require_signed_request_object: true,
    dpop_bound_access_tokens: true,
  })
})

t.test('every plan names clients of the seed, and holds the private keys of theirs', async (t) => {
  const { clients } = await read('seed.json')
  const ids = clients.map(({ client_id }: { client_id: string }) => client_id)
  t.equal(new Set(ids).size, ids.length)
  t.strictSame(
    new Set(await readdir(directory)),
    new Set(['seed.json', 'plans.txt', 'authorities.pem', ...plans.map(([, file]) => file)]),
  )
  for (const [plan = '', file = ''] of plans) {
    t.match(plan, /^[\w-]+-test-plan(\[\w+=\w+\])*$/)
    const config: PlanConfig = await read(file)
    t.equal(config.server.discoveryUrl, 'https://op.example/.well-known/openid-configuration')
    t.equal(config.alias !== undefined, 'client_id' in (config.client ?? {}), plan)
    for (const client of [config.client, config.client2])
      if (client?.['client_id'] !== undefined) t.ok(ids.includes(client['client_id']))
    if (plan.startsWith('fapi2')) checkCredentials(t, plan, config, clients)
  }
  const authority = new X509Certificate(await readFile(join(directory, 'authorities.pem')))
  const { mtls } = await read('fapi2-security-profile-pki.json')
  t.ok(new X509Certificate(mtls.cert).verify(authority.publicKey))
})

/** The suite has the private part of what the provider knows the public part of. */
function checkCredentials(
  t: Test,
  plan: string,
  { client, mtls, resource }: PlanConfig,
  seeded: Record<string, unknown>[],
): void {
  const { jwks, tls_client_auth_subject_dn: name } = seeded.find(
    ({ client_id: clientId }) => clientId === client['client_id'],
  ) as { jwks?: { keys: { x5c?: string[] }[] }; tls_client_auth_subject_dn?: string }
  const [key] = (client['jwks'] as { keys: Record<string, unknown>[] }).keys
  const { d, p, q, dp, dq, qi, ...publicPart } = key!
  t.ok(d && p && q && dp && dq && qi, 'the suite wants one of every client')
  const byKey = plan.includes('client_auth_type=private_key_jwt')
  if (byKey) t.strictSame(jwks, { keys: [publicPart] })
  t.equal(mtls !== undefined, plan.includes('sender_constrain=mtls'))
  t.equal('dpop_signing_alg' in client, plan.includes('sender_constrain=dpop'))
  if (mtls) {
    const { raw, subject } = new X509Certificate(mtls.cert)
    t.equal(createPrivateKey(mtls.key).type, 'private')
    if (name !== undefined) t.equal(subject.split('\n').toReversed().join(), name)
    else if (!byKey) t.strictSame(jwks?.keys[0]?.x5c, [raw.toString('base64')])
  }
  const isOpenid = plan.includes('openid=openid_connect')
  t.equal(resource.resourceUrl.endsWith('/userinfo'), isOpenid)
}

t.test('only the clients of the back-channel plan are sent logout tokens', async (t) => {
  const { clients } = await read('seed.json')
  const listening = clients.filter((client: object) => 'backchannel_logout_uri' in client)
  for (const [plan = '', file = ''] of plans) {
    const { client }: PlanConfig = await read(file)
    const id = client?.['client_id']
    const isSent = listening.some((one: { client_id: string }) => one.client_id === id)
    t.equal(isSent, id !== undefined && plan.startsWith('oidcc-backchannel'), plan)
  }
})

t.test('the blocks of the plans lead through our pages, to the last selector', async (t) => {
  const suite = await createSuite(t)
  const plans = plansFor({
    issuer: suite.issuer,
    suite: 'https://suite.example',
    alias: 'claviger',
    credentials: new Map(),
  })
  const authorize = new URL(`${suite.issuer}/authorize`)
  authorize.search = new URLSearchParams({
    client_id: suite.clients.client.clientId,
    redirect_uri: suite.addresses.callback,
    response_type: 'code',
    scope: 'openid',
    nonce: 'the nonce',
    prompt: 'consent',
  }).toString()
  const elsewhere = authorize.href.replace('claviger%2Fcallback', 'another%2Fcallback')
  const logout = `${suite.issuer}/logout`
  /** Which visit ends at which words in the address; the rest are of authorization requests. */
  const walks: [override: RegExp, url: string, end: string][] = [
    [/logout-(no-params|only-state|no-post)/, logout, '/logged-out'],
    [/logout-/, `${logout}?id_token_hint=nonsense`, '/logout?'],
    [/redirect-uri/, elsewhere, '/authorize?'],
    [/registration-/, authorize.href, '/login?'],
    [/user-rejects/, authorize.href, 'error=access_denied'],
    [/reused-request-uri-prior/, authorize.href, '/login?'],
    [/./, authorize.href, 'code='],
  ]
  const seen = new Set<string>()
  for (const { config } of plans) {
    const { browser, override = {} } = config as unknown as Partial<PlanConfig>
    for (const [name, blocks] of Object.entries({ ...override, default: { browser } })) {
      if (!blocks.browser || seen.has(name)) continue
      seen.add(name)
      const suiteBrowser = createSuiteBrowser(suite.issuer, suite.fetch, blocks.browser)
      const [, url, end] = walks.find(([pattern]) => pattern.test(name))!
      if (url === logout) await suiteBrowser.visit(authorize.href)
      const { page } = await suiteBrowser.visit(url)
      t.match(page.url, end, name)
    }
  }
  t.ok(seen.size > 15)
})
