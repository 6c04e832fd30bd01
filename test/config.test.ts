import { generateKeyPairSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import t from 'tap'
import { readConfig, settingsTable, type Environment } from '../src/config.ts'
import { Refusal } from '../src/protocol/refusal.ts'

/** The lines of the refusal, without its heading. */
function faultsOf(environment: Environment): string[] {
  try {
    readConfig(environment)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return error.message.split('\n').slice(1)
  }
  return []
}

const testKey = 'ab'.repeat(32)

t.test('without any variable everything has its default', async (t) => {
  t.strictSame(readConfig({}), {
    issuer: 'http://localhost:3000',
    host: 'localhost',
    port: 3000,
    dataDir: resolve('data'),
    databaseUrl: undefined,
    logLevel: 'info',
    trustProxy: false,
    tls: undefined,
    keysDir: resolve('keys'),
    keyEncryptionKey: undefined,
    dpopNonce: 'offered',
    mtlsPort: undefined,
    clientCertHeader: undefined,
    mtlsIssuer: undefined,
    clientCaFile: undefined,
    accessTokenTtlSeconds: 600,
    idTokenTtlSeconds: 600,
    codeTtlSeconds: 60,
    deviceCodeTtlSeconds: 600,
    authorizationRequestTtlSeconds: 1800,
    pushedRequestTtlSeconds: 60,
    requirePushedRequests: false,
    refreshIdleTtlSeconds: 2_592_000,
    refreshTtlSeconds: 15_552_000,
    replayWindowSeconds: 30,
    sessionTtlSeconds: 43_200,
    defaultAudience: 'http://localhost:3000',
    jwksMaxAgeSeconds: 300,
    verifierCacheSeconds: 85_430,
    keyPublicationLeadSeconds: 86_400,
    keyRotationIntervalSeconds: 2_592_000,
    keyStalenessSeconds: 60,
    signingAlgs: ['RS256', 'ES256'],
    rsaKeyBits: 2048,
    clockSkewSeconds: 10,
    registration: 'off',
    registrationScopes: ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'],
    registrationRequiresPkce: true,
    registrationUnusedTtlSeconds: 604_800,
    statementIssuers: undefined,
    revocationFeed: 'client',
    revocationFeedHeartbeatSeconds: 5,
    revocationFeedListeners: 5000,
    auditRetentionSeconds: 34_560_000,
    eventRetentionSeconds: 604_800,
    signalWindowSeconds: 600,
    signalNetworks: 3,
    signalRefusals: 50,
    metricsPort: undefined,
    metricsHost: 'localhost',
    outgoingAllowedNetworks: ['127.0.0.0/8', '::1/128'],
    outgoingCaFile: undefined,
    clientIdMetadataDocuments: false,
    clientIdMetadataHosts: undefined,
    rateLimit: true,
    signUp: false,
    authorizationDetailsTypes: [],
    passwordHashConcurrency: availableParallelism(),
    databasePoolSize: 10,
    insecureHttp: false,
  })
})

t.test('the configuration is frozen', async (t) => {
  const config = readConfig({ TRUST_PROXY: '10.0.0.1' })
  t.ok(Object.isFrozen(config))
  t.ok(Object.isFrozen(config.trustProxy))
})

t.test('a variable that is set but empty counts as not set', async (t) => {
  t.strictSame(readConfig({ PORT: '', ISSUER: '', DATABASE_URL_FILE: '' }), readConfig({}))
})

t.test('all faults are reported in one refusal, each with what to write', async (t) => {
  const environment = {
    PORT: 'three',
    LOG_LEVEL: 'verbose',
    CLAVIGER_RATE_LIMITS: 'off',
    CLAVIGER_REFRESH_TOKEN_TTL_SECONDS: '60',
  }
  t.throws(
    () => readConfig(environment),
    new Refusal(
      [
        'The configuration has 4 faults:',
        '- CLAVIGER_RATE_LIMITS is unknown. Did you mean CLAVIGER_RATE_LIMIT?',
        '- PORT is "three". Write a whole number from 0 to 65535.',
        '- LOG_LEVEL is "verbose". Write one of trace, debug, info, warn, error, fatal, silent.',
        '- CLAVIGER_REFRESH_TOKEN_IDLE_TTL_SECONDS is more than CLAVIGER_REFRESH_TOKEN_TTL_SECONDS. Write at most as much.',
      ].join('\n'),
    ),
  )
})

t.test('the issuers of software statements are read from a file, public keys only', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const read = async (content: unknown) => {
    const file = join(t.testdir({ 'issuers.json': JSON.stringify(content) }), 'issuers.json')
    return faultsOf({ CLAVIGER_SOFTWARE_STATEMENT_ISSUERS_FILE: file })
  }
  const jwks = { keys: [publicKey.export({ format: 'jwk' })] }
  t.strictSame(await read([{ issuer: 'https://vendor.example', jwks }]), [])
  const secret = { keys: [privateKey.export({ format: 'jwk' })] }
  for (const content of [{}, [7], [{ issuer: 'x' }], [{ jwks }], [{ issuer: 'x', jwks: secret }]])
    t.match(await read(content), [/Write a file with \[{"issuer"/], JSON.stringify(content))
})

t.test('an unknown CLAVIGER_* variable is refused', async (t) => {
  t.strictSame(faultsOf({ CLAVIGER_PORT: '80' }), [
    '- CLAVIGER_PORT is unknown. Did you mean PORT?',
  ])
  t.strictSame(faultsOf({ CLAVIGER_KEY_ENCRYPTION_KEY_FIL: '/x' }), [
    '- CLAVIGER_KEY_ENCRYPTION_KEY_FIL is unknown. Did you mean CLAVIGER_KEY_ENCRYPTION_KEY_FILE?',
  ])
  t.strictSame(faultsOf({ CLAVIGER_COLOUR: 'red' }), [
    '- CLAVIGER_COLOUR is unknown. There is no such setting.',
  ])
  t.strictSame(faultsOf({ HOME: '/', npm_config_yes: 'true' }), [])
})

t.test('what Kubernetes sets for a Service named claviger is passed over', async (t) => {
  const links = {
    CLAVIGER_SERVICE_HOST: '10.3.0.1',
    CLAVIGER_SERVICE_PORT: '3000',
    CLAVIGER_SERVICE_PORT_HTTP: '3000',
    CLAVIGER_PORT: 'tcp://10.3.0.1:3000',
    CLAVIGER_PORT_3000_TCP: 'tcp://10.3.0.1:3000',
    CLAVIGER_PORT_3000_TCP_ADDR: '10.3.0.1',
    CLAVIGER_POSTGRES_SERVICE_HOST: '10.3.0.2',
  }
  t.strictSame(faultsOf(links), [])
})

t.test('settings are read', async (t) => {
  const cases: [Environment, object][] = [
    [{ PORT: '8080' }, { issuer: 'http://localhost:8080', port: 8080 }],
    [{ PORT: '80' }, { issuer: 'http://localhost' }],
    [{ PORT: '0', ISSUER: 'https://login.example.com' }, { port: 0 }],
    [{ ISSUER: 'https://example.com/auth' }, { defaultAudience: 'https://example.com/auth' }],
    [{ ISSUER: 'http://127.0.0.1:3000' }, { issuer: 'http://127.0.0.1:3000' }],
    [{ ISSUER: 'http://[::1]:3000' }, { issuer: 'http://[::1]:3000' }],
    [{ ISSUER: 'http://idp.test', CLAVIGER_INSECURE_HTTP: 'on' }, { issuer: 'http://idp.test' }],
    [{ HOST: '::' }, { host: '::' }],
    [{ TRUST_PROXY: '2' }, { trustProxy: 2 }],
    [{ TRUST_PROXY: 'on' }, { trustProxy: 1 }],
    [{ TRUST_PROXY: '10.0.0.0/8, ::1' }, { trustProxy: ['10.0.0.0/8', '::1'] }],
    [{ ISSUER: 'https://id.example.com' }, { outgoingAllowedNetworks: [] }],
    [{ CLAVIGER_OUTGOING_ALLOWED_NETWORKS: 'none' }, { outgoingAllowedNetworks: [] }],
    [
      { CLAVIGER_CLIENT_ID_METADATA_HOSTS: 'App.example.com, b.example' },
      { clientIdMetadataHosts: ['app.example.com', 'b.example'] },
    ],
    [
      { CLAVIGER_OUTGOING_ALLOWED_NETWORKS: 'loopback, 10.0.0.0/8,fd00::1' },
      { outgoingAllowedNetworks: ['127.0.0.0/8', '::1/128', '10.0.0.0/8', 'fd00::1'] },
    ],
    [{ CLAVIGER_RATE_LIMIT: 'off' }, { rateLimit: false }],
    [{ CLAVIGER_DPOP_NONCE: 'required' }, { dpopNonce: 'required' }],
    [
      { CLAVIGER_CLIENT_CERT_HEADER: 'X-Client-Cert', TRUST_PROXY: '::1' },
      { clientCertHeader: 'x-client-cert', mtlsIssuer: undefined },
    ],
    [{ CLAVIGER_EVENT_RETENTION_SECONDS: '0' }, { eventRetentionSeconds: 0 }],
    [{ CLAVIGER_RSA_KEY_BITS: '3072' }, { rsaKeyBits: 3072 }],
    [{ CLAVIGER_REFRESH_REPLAY_WINDOW_SECONDS: '0' }, { replayWindowSeconds: 0 }],
    [{ CLAVIGER_DEFAULT_AUDIENCE: 'urn:api' }, { defaultAudience: 'urn:api' }],
    [
      { CLAVIGER_REGISTRATION_SCOPES: 'openid orders' },
      { registrationScopes: ['openid', 'orders'] },
    ],
    [{ CLAVIGER_REGISTRATION_REQUIRE_PKCE: 'off' }, { registrationRequiresPkce: false }],
    [
      {
        CLAVIGER_ACCESS_TOKEN_TTL_SECONDS: '1',
        CLAVIGER_JWKS_MAX_AGE_SECONDS: '1',
        CLAVIGER_KEY_PUBLICATION_LEAD_SECONDS: '2',
        CLAVIGER_KEY_ROTATION_INTERVAL_SECONDS: '3',
      },
      { accessTokenTtlSeconds: 1, clockSkewSeconds: 1, verifierCacheSeconds: 0 },
    ],
    [
      { CLAVIGER_JWKS_MAX_AGE_SECONDS: '1', CLAVIGER_KEY_PUBLICATION_LEAD_SECONDS: '2' },
      { keyPublicationLeadSeconds: 2, clockSkewSeconds: 1, keyStalenessSeconds: 10 },
    ],
    [
      {
        CLAVIGER_JWKS_MAX_AGE_SECONDS: '1',
        CLAVIGER_KEY_PUBLICATION_LEAD_SECONDS: '3',
        CLAVIGER_KEY_ROTATION_INTERVAL_SECONDS: '5',
      },
      { keyRotationIntervalSeconds: 5, clockSkewSeconds: 1 },
    ],
    [
      { CLAVIGER_JWKS_MAX_AGE_SECONDS: '1', CLAVIGER_KEY_PUBLICATION_LEAD_SECONDS: '40' },
      { clockSkewSeconds: 10, keyStalenessSeconds: 29, verifierCacheSeconds: 0 },
    ],
    [
      { CLAVIGER_VERIFIER_CACHE_SECONDS: '86080' },
      { verifierCacheSeconds: 86_080, keyStalenessSeconds: 10 },
    ],
    [{ CLAVIGER_CLOCK_SKEW_SECONDS: '30' }, { verifierCacheSeconds: 85_410 }],
    [
      { CLAVIGER_SIGNING_ALGS: 'EdDSA, ES256, RS256' },
      { signingAlgs: ['RS256', 'ES256', 'EdDSA'] },
    ],
  ]
  for (const [environment, expected] of cases) t.match(readConfig(environment), expected)
})

t.test('what does not fit is refused with what to write instead', async (t) => {
  const cases: [Environment, string | RegExp][] = [
    [{ PORT: '65536' }, 'PORT is "65536". Write a whole number from 0 to 65535.'],
    [{ PORT: '-1' }, /^PORT is "-1"/],
    [{ PORT: '0' }, 'PORT is 0 and ISSUER is not set. Set ISSUER, or a fixed PORT.'],
    [{ HOST: 'localhost:3000' }, /\(without port\)\.$/],
    [{ TRUST_PROXY: 'all' }, /^TRUST_PROXY is "all"\. Write off, how many proxies/],
    [{ TRUST_PROXY: '10.0.0.0/33' }, /^TRUST_PROXY/],
    [
      { CLAVIGER_OUTGOING_ALLOWED_NETWORKS: '10.0.0.0/8,all' },
      /^CLAVIGER_OUTGOING_ALLOWED_NETWORKS is .* Write none, loopback, or addresses/,
    ],
    [{ CLAVIGER_OUTGOING_ALLOWED_NETWORKS: 'fe80::1%eth0' }, /^CLAVIGER_OUTGOING_ALLOWED_NETWORKS/],
    [{ CLAVIGER_RATE_LIMIT: 'no' }, 'CLAVIGER_RATE_LIMIT is "no". Write on or off.'],
    [{ CLAVIGER_RSA_KEY_BITS: '1024' }, /Write one of 2048, 3072, 4096\.$/],
    [{ CLAVIGER_AUTHORIZATION_CODE_TTL_SECONDS: '601' }, /from 1 to 600\.$/],
    [{ CLAVIGER_REFRESH_REPLAY_WINDOW_SECONDS: '301' }, /from 0 to 300\.$/],
    [{ CLAVIGER_ACCESS_TOKEN_TTL_SECONDS: '10m' }, /^CLAVIGER_ACCESS_TOKEN_TTL_SECONDS is "10m"/],
    [{ CLAVIGER_DEFAULT_AUDIENCE: 'my api' }, /without spaces\.$/],
    [
      { CLAVIGER_REGISTRATION: 'on' },
      'CLAVIGER_REGISTRATION is "on". Write one of off, token, open.',
    ],
    [{ CLAVIGER_REGISTRATION_SCOPES: 'openid revocations' }, /without revocations and global/],
    [{ CLAVIGER_REGISTRATION_SCOPES: 'a  b' }, /single spaces/],
    [{ CLAVIGER_REGISTRATION_REQUIRE_PKCE: 'false' }, /Write on or off\.$/],
    [{ CLAVIGER_SOFTWARE_STATEMENT_ISSUERS_FILE: '/no/file' }, /path of a JSON file/],
    [{ ISSUER: 'login.example.com' }, /Write an absolute URL such as/],
    [{ ISSUER: 'ftp://example.com' }, /Write an absolute URL such as/],
    [{ ISSUER: 'https://example.com/' }, /trailing slash: https:\/\/example\.com\.$/],
    [{ ISSUER: 'https://example.com:443' }, /: https:\/\/example\.com\.$/],
    [{ ISSUER: 'https://example.com/?a' }, /: https:\/\/example\.com\.$/],
    [{ ISSUER: 'https://example.com#a' }, /: https:\/\/example\.com\.$/],
    [{ ISSUER: 'http://example.com' }, /^ISSUER is http: on a host that is not loopback/],
    [{ ISSUER: 'http://localhost.example.com' }, /not loopback/],
    [{ TLS_CERT_FILE: '/nowhere.pem' }, /^TLS_CERT_FILE is "\/nowhere\.pem"\. Write the path/],
    [{ CLAVIGER_KEY_PUBLICATION_LEAD_SECONDS: '299' }, /^CLAVIGER_KEY_PUBLICATION_LEAD_SECONDS is/],
    [
      { CLAVIGER_VERIFIER_CACHE_SECONDS: '86081' },
      /together \(300 \+ 86081 \+ 10 \+ 10\): a key would .* Write at least 86401\.$/,
    ],
    [
      { CLAVIGER_KEY_STALENESS_SECONDS: '86091' },
      /together \(300 \+ 0 \+ 86091 \+ 10\): a key would .* Write at least 86401\.$/,
    ],
    [
      {
        CLAVIGER_KEY_PUBLICATION_LEAD_SECONDS: '300',
      },
      /^CLAVIGER_KEY_PUBLICATION_LEAD_SECONDS is less than .* Write at least 301\.$/,
    ],
    ...['RS256', 'ES256,PS256', 'RS256,ES256,ES256', 'RS256,ES256,HS256', 'none'].map(
      (algs): [Environment, RegExp] => [
        { CLAVIGER_SIGNING_ALGS: algs },
        /^CLAVIGER_SIGNING_ALGS is ".*Write RS256,ES256, followed by PS256 or EdDSA/,
      ],
    ),
    [{ CLAVIGER_DPOP_NONCE: 'on' }, /Write one of required, offered, off\.$/],
    [{ CLAVIGER_MTLS_PORT: '3443' }, /^CLAVIGER_MTLS_PORT is set, but not TLS_CERT_FILE/],
    [{ CLAVIGER_CLIENT_CERT_HEADER: 'a b' }, /Write the name of a header of its own/],
    [{ CLAVIGER_CLIENT_CERT_HEADER: 'Authorization' }, /Write the name of a header of its own/],
    ...['off', '1'].map((trustProxy): [Environment, RegExp] => [
      { CLAVIGER_CLIENT_CERT_HEADER: 'client-cert', TRUST_PROXY: trustProxy },
      /TRUST_PROXY does not name whom to believe\. Write the addresses/,
    ]),
    [
      { CLAVIGER_MTLS_ISSUER: 'https://mtls.example' },
      /no client certificates are taken\. Set CLAVIGER_MTLS_PORT or/,
    ],
    [
      { CLAVIGER_TLS_CLIENT_CA_FILE: 'package.json' },
      /no client certificates are taken\. Set CLAVIGER_MTLS_PORT or/,
    ],
    [
      {
        CLAVIGER_MTLS_ISSUER: 'http://localhost:1',
        CLAVIGER_CLIENT_CERT_HEADER: 'client-cert',
        TRUST_PROXY: '::1',
      },
      /^CLAVIGER_MTLS_ISSUER is http:/,
    ],
    [{ CLAVIGER_EVENT_RETENTION_SECONDS: '599' }, /^CLAVIGER_EVENT_RETENTION_SECONDS is less than/],
    [
      { CLAVIGER_KEY_ROTATION_INTERVAL_SECONDS: '86400' },
      /^CLAVIGER_KEY_ROTATION_INTERVAL_SECONDS is not more/,
    ],
  ]
  for (const [environment, expected] of cases) {
    const faults = faultsOf(environment).map((line) => line.replace('- ', ''))
    t.match(faults, [expected], JSON.stringify(environment))
    t.equal(faults.length, 1)
  }
})

t.test('no secret appears in a refusal', async (t) => {
  const faults = faultsOf({
    DATABASE_URL: 'mysql://root:hunter2@db',
    CLAVIGER_KEY_ENCRYPTION_KEY: 'hunter2',
    ISSUER: 'https://user:hunter2@example.com',
  })
  t.match(faults, [
    /^- ISSUER is "https:\/\/…@example\.com"/,
    /^- DATABASE_URL is not valid\. Write postgres:\/\/USER/,
    /^- CLAVIGER_KEY_ENCRYPTION_KEY is not valid\. Write what/,
  ])
  t.notMatch(faults.join('\n'), 'hunter2')
})

t.test('every secret may come from a file', async (t) => {
  const folder = t.testdir({
    key: `${testKey}\n`,
    url: 'postgres://claviger:p%40ss@db:5432/claviger\r\n',
    bad: 'hunter2',
  })
  const config = readConfig({
    CLAVIGER_KEY_ENCRYPTION_KEY_FILE: join(folder, 'key'),
    DATABASE_URL_FILE: join(folder, 'url'),
  })
  t.equal(config.keyEncryptionKey, testKey)
  t.equal(config.databaseUrl, 'postgres://claviger:p%40ss@db:5432/claviger')

  t.strictSame(faultsOf({ DATABASE_URL_FILE: '/nowhere' }), [
    '- DATABASE_URL_FILE is "/nowhere". Write the path of a file that can be read.',
  ])
  t.match(faultsOf({ DATABASE_URL_FILE: join(folder, 'bad') }), [
    /^- DATABASE_URL_FILE names a file whose content is not valid\. Write postgres:/,
  ])
  t.strictSame(faultsOf({ DATABASE_URL: 'postgres://db/x', DATABASE_URL_FILE: '/nowhere' }), [
    '- DATABASE_URL and DATABASE_URL_FILE are both set. Set one of them.',
  ])
})

t.test(
  'a key-encryption key is read as hexadecimal, base64url or base64, one or several',
  async (t) => {
    const bytes = Buffer.from(testKey, 'hex')
    const several = `${testKey},${bytes.toString('base64url')}`
    for (const text of [testKey, bytes.toString('base64url'), bytes.toString('base64'), several])
      t.equal(readConfig({ CLAVIGER_KEY_ENCRYPTION_KEY: text }).keyEncryptionKey, text)
  },
)

t.test('native TLS needs both files and an https issuer', async (t) => {
  const folder = t.testdir({ 'cert.pem': '', 'key.pem': '' })
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const both = { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile }

  t.match(readConfig(both), { issuer: 'https://localhost:3000', tls: { certFile, keyFile } })
  t.strictSame(faultsOf({ TLS_CERT_FILE: certFile }), [
    '- Only one of TLS_CERT_FILE and TLS_KEY_FILE is set. Set both or none.',
  ])
  t.strictSame(faultsOf({ ...both, ISSUER: 'http://localhost:3000' }), [
    '- ISSUER is http: although TLS_CERT_FILE is set. Write an https: ISSUER.',
  ])
})

t.test("the README's settings table is the table of the code", async (t) => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const [, section = ''] = readme.split(/^## Settings$/m)
  const rows = section.split(/^## /m, 1)[0]!.split('\n')
  t.strictSame(
    rows.filter((line) => line.startsWith('|')),
    settingsTable().split('\n'),
    'under "## Settings" stands what settingsTable() prints',
  )
})
