/** Why the feed could not be read: a sentence for the operator that holds no secret. */
import { VerificationError } from './errors.ts'

export class FeedError extends Error {
  override readonly name = 'FeedError'
  /** The HTTP status of the answer, where the answer was the trouble. */
  readonly status: number | undefined

  constructor(message: string, { status, cause }: { status?: number; cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.status = status
  }
}

/** In few words what was wrong. Of a broken connection `fetch` tells it by the cause alone. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof FeedError) return error.message
  if (error instanceof VerificationError) return error.detail ?? error.message
  const { code, message } = (error.cause ?? {}) as { code?: unknown; message?: unknown }
  return [message, code, error.message].find(isText) ?? error.name
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
