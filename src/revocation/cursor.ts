/** The cursors of the feed, as readers carry them: a history of the database, and how far they have come in it. */
import { createHash } from 'node:crypto'
import { OAuthError } from '../protocol/errors.ts'
import type { Position } from './read-news.ts'

export interface Cursor {
  /** Eight characters that all nodes of a database come to. When it was started is not for readers. */
  history: string
  number: number
  /**
   * Between two pages: where the entries ended that the page was taken from. Records that were behind the number before may
   * have moved there, so a node that has not come that far cannot go on from here: it would leave them out.
   */
  end?: number | undefined
}

export function historyOf({ history, setbacks }: Position): string {
  return createHash('sha256').update(`${history} ${setbacks}`).digest('base64url').slice(0, 8)
}

export function formatCursor({ history, number, end }: Cursor): string {
  return end === undefined ? `${history}.${number}` : `${history}.${number}.${end}`
}

export function parseCursor(text: string): Cursor {
  const [, history, number, end] = /^([\w-]{8})\.(\d{1,15})(?:\.(\d{1,15}))?$/.exec(text) ?? []
  if (history === undefined || number === undefined)
    throw new OAuthError(
      'invalid_request',
      `The 'cursor' is none that this issuer gave out. Leave it out to get everything.`,
    )
  return { history, number: Number(number), end: end === undefined ? undefined : Number(end) }
}
