/** What went wrong, in sentences that say what to do. */
import { DatabaseUnavailable } from '../database/database.ts'
import { remedyOf } from '../database/errors.ts'
import { OAuthError } from '../protocol/errors.ts'
import { Refusal } from '../protocol/refusal.ts'

/** Undefined when the program itself is at fault. */
export function explain(error: unknown): string | undefined {
  if (error instanceof Refusal) return error.message
  if (error instanceof OAuthError) return error.description
  const { message, code } = describe(error)
  if (error instanceof DatabaseUnavailable) {
    const reason = describe(error.cause)
    const remedy = remedyOf(error.cause)
    return remedy === undefined
      ? `PostgreSQL cannot be reached (${reason.code ?? reason.message}). Start it, or check DATABASE_URL.`
      : `PostgreSQL says: ${reason.message}. ${remedy}`
  }
  if (code === 'EADDRINUSE')
    return `${message}. Stop what listens there, or set another PORT or HOST.`
  return undefined
}

export function explainFault(error: unknown): string {
  return `Something unexpected happened: ${describe(error).message}. LOG_LEVEL=debug shows where.`
}

function describe(error: unknown): { message: string; code: string | undefined } {
  if (!(error instanceof Error)) return { message: String(error), code: undefined }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return { message: (error.message || error.name).replace(/\.$/, ''), code }
}
