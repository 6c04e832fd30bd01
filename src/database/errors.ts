/** Tells an outage of Postgres, which passes by itself, from a fault of the statement. */
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

/** What to throw in place of an error of the driver. */
export function toDatabaseError(error: unknown): unknown {
  return isOutage(error) ? new DatabaseUnavailable(error) : error
}
