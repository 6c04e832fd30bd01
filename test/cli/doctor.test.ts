import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { readConfig } from '../../src/config.ts'
import { createDatabaseClock } from '../../src/database/clock.ts'
import { createAdminServices } from '../../src/services/admin.ts'
import { createKeyServices } from '../../src/services/keys.ts'
import { createCertificate } from '../support/certificates.ts'
import { createSelfSigned } from '../support/self-signed.ts'
import { createCli, createTestCli, newSecret, type Cli } from './run-cli.ts'

type Options = Parameters<Cli['json']>[1]

function examine(cli: Cli, options?: Options) {
  return cli.json(['doctor'], options)
}

async function problemsOf(cli: Cli, options: Options) {
  const { ok, problems } = await examine(cli, { code: 1, ...options })
  return { ok, codes: problems.map(({ code }: { code: string }) => code), problems }
}

async function makeKeys(cli: Awaited<ReturnType<typeof createTestCli>>) {
  const options = {
    config: readConfig({ ...cli.environment }),
    database: cli.database,
    clock: await createDatabaseClock(cli.database),
  }
  const { rotation } = await createKeyServices(options, createAdminServices(options))
  await rotation.ensureKeys()
}

t.test('doctor prints what the settings come to and finds nothing wrong', async (t) => {
  const cli = await createTestCli(t)
  const first = await examine(cli)
  t.match(first, { ok: true, keys: { key_encryption_key_id: null, signing_keys: [] } })
  t.strictSame(await readdir(cli.directory), [], 'no key-encryption key was made')

  await makeKeys(cli)
  const found = await examine(cli, {
    env: { ISSUER: 'https://example.com/login', TRUST_PROXY: '1', CLAVIGER_REGISTRATION: 'token' },
  })
  t.match(found, {
    ok: true,
    problems: [],
    issuer: 'https://example.com/login',
    endpoints: {
      openid_configuration: 'https://example.com/login/.well-known/openid-configuration',
      oauth_authorization_server:
        'https://example.com/.well-known/oauth-authorization-server/login',
      jwks: 'https://example.com/login/.well-known/jwks.json',
      pushed_authorization_request: 'https://example.com/login/par',
      device_authorization: 'https://example.com/login/device_authorization',
      token: 'https://example.com/login/token',
      registration: 'https://example.com/login/register',
      revocation_feed: 'https://example.com/login/revocations',
      global_token_revocation: 'https://example.com/login/global-token-revocation',
    },
    listening: { host: 'localhost', port: 0, tls: false, answers: false },
    trust_proxy: 1,
    cookies: { name_prefix: '__Host-', secure: true },
    rate_limit: true,
    database: {
      kind: 'external',
      reachable: true,
      server_version: /^\d+/,
      migrations: { pending: [], unknown: [] },
      latency_milliseconds: Number,
    },
    clock: { database_ahead_milliseconds: Number },
    keys: {
      key_encryption_key_id: /^[\da-f]{16}$/,
      next_transition_at: String,
      jwks_outage_seconds: 660,
    },
  })
  t.equal(found['keys'].signing_keys.length, 4)
  const { code, stdout } = await cli.run(['doctor'])
  t.equal(code, 0)
  t.match(
    stdout,
    /issuer +http:\/\/localhost:3000\n[^]*RS256 signing[^]*What is wrong\n +✓ Nothing/,
  )
})

t.test('doctor says what is wrong with the settings', async (t) => {
  const cli = await createTestCli(t)
  const env = { ISSUER: 'https://example.com', CLAVIGER_RATE_LIMIT: 'off' }
  t.match(await problemsOf(cli, { env }), {
    ok: false,
    codes: ['proxy_not_trusted', 'rate_limit_off'],
  })
  const open = { ISSUER: 'http://example.com', CLAVIGER_INSECURE_HTTP: 'on' }
  t.match(await problemsOf(cli, { env: open }), { codes: ['insecure_http'] })
  const faulty = await problemsOf(cli, { env: { PORT: 'x', CLAVIGER_PORT: '1' } })
  t.match(faulty, {
    codes: ['configuration', 'configuration'],
    problems: [{ message: /Did you mean PORT/ }, { message: /^PORT is "x"/ }],
  })
  const human = await cli.run(['doctor'], { env })
  t.match(human, {
    code: 1,
    stderr: '',
    stdout: /What is wrong\n +✗ The issuer is https:.*Set TRUST/,
  })
})

t.test('doctor says where this server does not go, and whom it lets too far', async (t) => {
  const cli = await createTestCli(t)
  const [expired, noAuthority] = [join(cli.directory, 'ca.pem'), join(cli.directory, 'client.pem')]
  const past = { validFrom: new Date(0), validTo: new Date(86_400_000) }
  await writeFile(expired, createCertificate({ isAuthority: true, ...past }).cert)
  await writeFile(noAuthority, createSelfSigned().cert)
  const options = {
    config: readConfig({ ...cli.environment }),
    database: cli.database,
    clock: await createDatabaseClock(cli.database),
  }
  const { clients } = createAdminServices(options)
  const redirect_uris = ['https://app.example/callback']
  const tell = (client_id: string, host: string) =>
    clients.create({ client_id, redirect_uris, backchannel_logout_uri: `https://${host}/logout` })
  await cli.database.query(
    `insert into clients (client_id, metadata, allowed_origins, created_at, updated_at)
     values ('bank', '{"tls_client_certificate_bound_access_tokens": true}', '{}', now(), now())`,
  )
  await tell('inside', '10.0.0.7')
  await tell('outside', '1.1.1.1')
  const env = {
    ISSUER: 'https://login.example',
    TRUST_PROXY: '10.0.0.1',
    CLAVIGER_SIGN_UP: 'on',
    CLAVIGER_REGISTRATION: 'open',
    CLAVIGER_CLIENT_CERT_HEADER: 'x-client-cert',
    CLAVIGER_TLS_CLIENT_CA_FILE: expired,
    CLAVIGER_OUTGOING_CA_FILE: expired,
    CLAVIGER_OUTGOING_ALLOWED_NETWORKS: '169.254.0.0/16',
  }
  const found = await problemsOf(cli, { env })
  t.strictSame(found.codes, ['authorities', 'authorities', 'outgoing_networks', 'outgoing'])
  t.match(found.problems, [
    { message: /^CLAVIGER_TLS_CLIENT_CA_FILE has an authority, .* that expired on 1970-01-02/ },
    { message: /^CLAVIGER_OUTGOING_CA_FILE has an authority/ },
    { message: /metadata service of a cloud \(169\.254\.169\.254\)/ },
    { message: /told: the backchannel_logout_uri of inside \(a special-use .*\)\. Name their/ },
  ])
  t.match(await problemsOf(cli, {}), {
    codes: ['client_certificates', 'outgoing'],
    problems: [{ message: /^These clients are refused, .* not taken: bank\. Set CLAVIGER_MTLS/ }],
  })
  const mended = {
    ...env,
    CLAVIGER_TLS_CLIENT_CA_FILE: noAuthority,
    CLAVIGER_OUTGOING_CA_FILE: noAuthority,
    CLAVIGER_OUTGOING_ALLOWED_NETWORKS: '10.0.0.0/8',
  }
  const { stdout } = await cli.run(['doctor'], { env: mended })
  t.match(stdout, /certificates +of clients: in the header x-client-cert of the trusted proxies/)
  t.match(stdout, /strangers +people create accounts, .*; clients register themselves\n/)
  t.match(
    stdout,
    /What is wrong\n +✗ CLAVIGER_TLS_CLIENT_CA_FILE holds something else than[^\n]*\n$/,
  )
})

t.test('doctor says what is wrong with the key-encryption keys', async (t) => {
  const cli = await createTestCli(t)
  await makeKeys(cli)
  const keys = join(cli.directory, 'keys')
  const [file = ''] = await readdir(keys)
  await chmod(join(keys, file), 0o644)
  t.match(await problemsOf(cli, {}), {
    codes: ['key_encryption_key'],
    problems: [{ message: /open to other users. Type: chmod 600/ }],
  })
  const elsewhere = join(cli.directory, 'elsewhere')
  await mkdir(elsewhere)
  t.match(await problemsOf(cli, { env: { CLAVIGER_KEYS_DIR: elsewhere } }), {
    problems: [{ message: /No key-encryption key.*restore/ }],
  })
  t.strictSame(await readdir(elsewhere), [])
  const wrong = await problemsOf(cli, { env: { CLAVIGER_KEY_ENCRYPTION_KEY: newSecret() } })
  t.strictSame(new Set(wrong.codes), new Set(['key_encryption_key']))
})

t.test('doctor does not migrate, and says so', async (t) => {
  const cli = await createTestCli(t, { empty: true })
  t.match(await problemsOf(cli, {}), {
    codes: ['migrations'],
    problems: [{ message: /lacks 0001_signing_keys\.sql, .*claviger migrate/ }],
  })
  t.strictSame(await cli.database.query(`select 1 from pg_tables where schemaname = 'public'`), [])
})

t.test('doctor tells a database that is not there from one that cannot be reached', async (t) => {
  const directory = t.testdir({})
  const dataDir = join(directory, 'data')
  const embedded = createCli(t, { DATA_DIR: dataDir, CLAVIGER_KEYS_DIR: join(directory, 'keys') })
  t.match(await examine(embedded), { ok: true, database: { kind: 'embedded', exists: false } })
  t.strictSame(await readdir(directory), [])

  const url = 'postgres://claviger:hunter2@127.0.0.1:1/claviger'
  const outcome = await embedded.run(['doctor', '--json'], { env: { DATABASE_URL: url } })
  t.notMatch(outcome.stdout, /hunter2/)
  t.match(JSON.parse(outcome.stdout), {
    ok: false,
    database: { kind: 'external', location: '127.0.0.1:1/claviger', reachable: false },
    problems: [{ code: 'database', message: /ECONNREFUSED.*DATABASE_URL/ }],
  })
})

t.test('doctor tells whether something listens on the port', async (t) => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  const port = String(typeof address === 'object' && address ? address.port : 0)
  const directory = t.testdir({})
  const cli = createCli(t, { DATA_DIR: join(directory, 'd'), CLAVIGER_KEYS_DIR: directory })
  t.match(await examine(cli, { env: { HOST: '127.0.0.1', PORT: port } }), {
    listening: { answers: true },
    client_certificates: { port: null, answers: false, header: null },
  })
  const { cert, key } = createSelfSigned()
  const [TLS_CERT_FILE, TLS_KEY_FILE] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  await writeFile(TLS_CERT_FILE, cert)
  await writeFile(TLS_KEY_FILE, key)
  const env = { ISSUER: 'https://localhost', HOST: '127.0.0.1', TLS_CERT_FILE, TLS_KEY_FILE }
  t.match(await examine(cli, { env: { ...env, CLAVIGER_MTLS_PORT: port } }), {
    client_certificates: { port: Number(port), answers: true },
  })
})

t.test('doctor reads the certificate of native HTTPS', async (t) => {
  const directory = t.testdir({})
  const file = join(directory, 'not-a-certificate.pem')
  await writeFile(file, 'x')
  const cli = createCli(t, {
    DATA_DIR: join(directory, 'd'),
    CLAVIGER_KEYS_DIR: directory,
    ISSUER: 'https://localhost:3000',
    TLS_CERT_FILE: file,
    TLS_KEY_FILE: file,
  })
  t.match(await problemsOf(cli, {}), { codes: ['certificate'] })
})
