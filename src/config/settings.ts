/** Every setting: its variable, how it is read, its default as one would write it, and what it sets. */
import { bindingSettings } from './binding-settings.ts'
import { keySettings } from './key-settings.ts'
import { lifetimeSettings } from './lifetime-settings.ts'
import { outgoingSettings } from './outgoing-settings.ts'
import * as read from './parsers.ts'
import { registrationSettings } from './registration-settings.ts'
import { revocationSettings } from './revocation-settings.ts'
import type { Setting, ValuesOf } from './setting.ts'
import { watchSettings } from './watch-settings.ts'

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export const settings = {
  issuer: {
    variable: 'ISSUER',
    parse: read.issuer,
    derived: '`http://localhost:PORT` (`https:` with `TLS_CERT_FILE`)',
    sentence: 'The public base URL, exactly as clients know it; `https:` unless it is loopback.',
  },
  host: {
    variable: 'HOST',
    parse: read.host,
    default: 'localhost',
    sentence: 'The host name or address to listen on; `0.0.0.0` for all IPv4 interfaces.',
  },
  port: {
    variable: 'PORT',
    parse: read.wholeNumber(0, 65_535),
    default: '3000',
    sentence: 'The TCP port to listen on; 0 takes a free one and needs `ISSUER`.',
  },
  dataDir: {
    variable: 'DATA_DIR',
    parse: read.path,
    default: './data',
    sentence: 'Where the embedded PostgreSQL lives; not used with `DATABASE_URL`.',
  },
  databaseUrl: {
    variable: 'DATABASE_URL',
    parse: read.databaseUrl,
    derived: 'none: embedded PostgreSQL',
    sentence: 'The PostgreSQL (14 or later) to use.',
    secret: true,
  },
  logLevel: {
    variable: 'LOG_LEVEL',
    parse: read.oneOf(logLevels),
    default: 'info',
    sentence: `How much is logged: ${logLevels.map((level) => `\`${level}\``).join(', ')}.`,
  },
  trustProxy: {
    variable: 'TRUST_PROXY',
    parse: read.trustProxy,
    default: 'off',
    sentence:
      'Whose `X-Forwarded-*` headers count: `off`, how many proxies stand in front (`on` means one), or their addresses and CIDRs, separated by commas.',
  },
  tlsCertFile: {
    variable: 'TLS_CERT_FILE',
    parse: read.readableFile,
    derived: 'none: plain HTTP',
    sentence: 'The certificate chain (PEM) for native HTTPS; needs `TLS_KEY_FILE`.',
  },
  tlsKeyFile: {
    variable: 'TLS_KEY_FILE',
    parse: read.readableFile,
    derived: 'none: plain HTTP',
    sentence: 'The private key (PEM) of `TLS_CERT_FILE`.',
  },
  keysDir: {
    variable: 'CLAVIGER_KEYS_DIR',
    parse: read.path,
    default: './keys',
    sentence: 'Where the key-encryption key is kept; created at the first start.',
  },
  keyEncryptionKey: {
    variable: 'CLAVIGER_KEY_ENCRYPTION_KEY',
    parse: read.keysOf32Bytes,
    derived: 'none: `CLAVIGER_KEYS_DIR`',
    sentence:
      'The key-encryption key itself, instead of the keys directory: 32 bytes in hexadecimal or base64url; several, separated by commas, of which the first encrypts.',
    secret: true,
  },
  ...lifetimeSettings,
  requirePushedRequests: {
    variable: 'CLAVIGER_REQUIRE_PUSHED_REQUESTS',
    parse: read.onOrOff,
    default: 'off',
    sentence: 'Whether every client must push its authorization requests (RFC 9126).',
  },
  defaultAudience: {
    variable: 'CLAVIGER_DEFAULT_AUDIENCE',
    parse: read.audience,
    derived: '`ISSUER`',
    sentence: 'The `aud` of access tokens that were asked for without a `resource`.',
  },
  authorizationDetailsTypes: {
    variable: 'CLAVIGER_AUTHORIZATION_DETAILS_TYPES',
    parse: read.names,
    default: 'none',
    sentence:
      'The `type`s of `authorization_details` (RFC 9396) that the APIs here understand, separated by commas.',
  },
  ...bindingSettings,
  ...keySettings,
  ...registrationSettings,
  ...revocationSettings,
  ...watchSettings,
  ...outgoingSettings,
  rateLimit: {
    variable: 'CLAVIGER_RATE_LIMIT',
    parse: read.onOrOff,
    default: 'on',
    sentence:
      'Whether failed sign-ins, sign-ups, and what else strangers can do is limited; `off` is for load tests only.',
  },
  signUp: {
    variable: 'CLAVIGER_SIGN_UP',
    parse: read.onOrOff,
    default: 'off',
    sentence:
      'Whether people may create accounts themselves (`prompt=create`, and a link on the login page). Their email addresses are not verified.',
  },
  passwordHashConcurrency: {
    variable: 'CLAVIGER_PASSWORD_HASH_CONCURRENCY',
    parse: read.wholeNumber(1, 256),
    derived: 'the number of cores',
    sentence: 'How many passwords are hashed at the same time.',
  },
  databasePoolSize: {
    variable: 'CLAVIGER_DATABASE_POOL_SIZE',
    parse: read.wholeNumber(1, 1000),
    default: '10',
    sentence: 'How many connections to PostgreSQL this process holds at most.',
  },
  insecureHttp: {
    variable: 'CLAVIGER_INSECURE_HTTP',
    parse: read.onOrOff,
    default: 'off',
    sentence:
      'Whether `http:` that is not loopback is allowed, for the issuer, for where logout tokens go and for where keys of clients come from; never in production.',
  },
} as const satisfies Record<string, Setting>

export type SettingValues = ValuesOf<typeof settings>
