/** Tells an outage of Postgres, which passes by itself or needs its operator, from a fault of the statement. */
import { DatabaseUnavailable } from './database.ts'

const outages = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOENT', // the socket's file is gone
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  '25006', // a former primary that now only reads
  '53300', // too many connections
  '55000', // the database does not accept connections at present
  '57014', // statement timeout
  '57P01', // terminated by an administrator
  '57P02',
  '57P03', // starting up or shutting down
  '57P05',
])

/** The driver's own errors have no code. */
const outageMessage = /^Connection terminated|^timeout e|^Query read timeout$|is not queryable$/

/** The SQLSTATE, or the system's name for the error. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error && 'code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = codeOf(error)
  if (code === undefined) return outageMessage.test(error.message)
  // Poolers send 08P01 when they have no server; Postgres, naming the routine, for a malformed statement.
  if (code === '08P01') return !('routine' in error && error.routine !== undefined)
  return outages.has(code) || code.startsWith('08')
}

/** By SQLSTATE: what passes only when whoever runs Postgres does something. */
const remedies: readonly [code: RegExp, remedy: string][] = [
  [/^28/, 'Check the user and the password of DATABASE_URL, and pg_hba.conf of the server.'],
  [/^(?:3D000|57P04)$/, 'Create the database, or check DATABASE_URL.'],
  [/^25006$/, 'Let DATABASE_URL name the primary.'],
  [
    /^53300$/,
    'Raise max_connections of the server or the limit of the role, or set a smaller CLAVIGER_DATABASE_POOL_SIZE.',
  ],
  [/^53100$/, 'Its disk is full: make room.'],
  [/^53/, 'It lacks resources: see its log.'],
  [/^55000$/, 'The database is closed to connections: open it (ALTER DATABASE).'],
]

/** What the operator must do about an outage, when waiting does not help. */
export function remedyOf(error: unknown): string | undefined {
  const code = codeOf(error)
  return code === undefined ? undefined : remedies.find(([codes]) => codes.test(code))?.[1]
}

/** What to throw in place of an error of the driver. */
export function toDatabaseError(error: unknown): unknown {
  const remedy = remedyOf(error)
  if (remedy !== undefined) return new DatabaseUnavailable(error, `PostgreSQL refuses. ${remedy}`)
  return isOutage(error) ? new DatabaseUnavailable(error) : error
}
