/** What no longer counts, as this node holds it in memory: for the feed to verifiers, and for whoever asks on this node. */
import type { Clock } from '../database/clock.ts'
import { OAuthError } from '../protocol/errors.ts'
import { digestSubject, type FeedEntry } from '../verifier/feed.ts'
import {
  isRevoked,
  revocationSubjects,
  type NotBefore,
  type RevocationSubject,
  type TokenOrigin,
} from '../verifier/not-before.ts'
import { coalesce } from './coalesce.ts'
import { formatCursor, historyOf, parseCursor } from './cursor.ts'
import { readNews, type Position } from './read-news.ts'
import type { RecordedRevocation, RevocationStore } from './store.ts'

export interface FeedPage {
  /** Undefined when these are the first entries of all. */
  after: string | undefined
  cursor: string
  /** What was recorded until then is among the entries up to `cursor`; undefined when more of them follow. */
  asOf: Date | undefined
  entries: FeedEntry[]
}

export interface RevocationFeed {
  /** Reads what is new. Calls that overlap end in one more reading, so none returns with less than was there before it. */
  load(): Promise<void>
  /** What is held of any of the subjects. */
  find(subjects: readonly RevocationSubject[]): NotBefore[]
  isRevoked(token: TokenOrigin): boolean
  /**
   * The entries after a cursor, or all. One that this node has not come to yet gets this node's own and no entries; one that
   * it cannot go on from, as the database was restored, gets all; one that is none is refused with invalid_request.
   */
  pageAfter(cursor: string | undefined): FeedPage
  /** What was recorded until then is held; undefined before the first load. */
  asOf(): Date | undefined
  /** Where the entries end. Like `pageAfter` it throws `temporarily_unavailable` before the first load. */
  cursor(): string
  /** Grows when entries come; not when they expire. */
  version(): number
  /** Calls `listener` whenever entries have come. Answers what stops it. */
  onChange(listener: () => void): () => void
}

interface HeldEntry {
  key: string
  cursor: number
  record: NotBefore
  wire: FeedEntry
}

/** Half a megabyte as a signed document. */
const pageEntries = 5000
const sweepIntervalMilliseconds = 1000

export function createRevocationFeed({
  store,
  clock,
  pageSize = pageEntries,
}: {
  store: Pick<RevocationStore, 'listAfter'>
  clock: Pick<Clock, 'now'>
  /** How many entries are read, or answered, at once. */
  pageSize?: number
}): RevocationFeed {
  const held = new Map<string, HeldEntry>()
  /** In the order of their cursors; until the next sweep also those that a later record has replaced. */
  let log: HeldEntry[] = []
  let position: Position = { history: '', setbacks: 0, cursor: 0 }
  let known: { history: string; asOf: Date } | undefined
  let version = 0
  let sweptAt = 0
  const listeners = new Set<() => void>()

  async function reload(): Promise<void> {
    // Read before anything is sent, from a clock that is never ahead: what was committed before will be among the rows.
    const asOf = clock.now()
    const news = await readNews(store, position, pageSize)
    const entries = await Promise.all(news.rows.map(toEntry))
    if (news.isWhole) {
      held.clear()
      log = []
    }
    for (const entry of entries) {
      held.set(entry.key, entry)
      log.push(entry)
    }
    ;({ position } = news)
    known = { history: historyOf(position), asOf }
    sweep(asOf.getTime())
    if (entries.length === 0 && !news.isWhole) return
    version += 1
    for (const listener of listeners) listener()
  }

  function sweep(now: number): void {
    if (Math.abs(now - sweptAt) < sweepIntervalMilliseconds) return
    sweptAt = now
    for (const entry of log) if (isExpired(entry, now) && isHeld(entry)) held.delete(entry.key)
    log = log.filter(isHeld)
  }

  function isHeld(entry: HeldEntry): boolean {
    return held.get(entry.key) === entry
  }

  function getKnown(): NonNullable<typeof known> {
    if (known) return known
    throw new OAuthError('temporarily_unavailable', 'This server is starting. Try again shortly.', {
      headers: { 'retry-after': '1' },
      detail: 'the revocations were not read yet',
    })
  }

  function find(subjects: readonly RevocationSubject[]): NotBefore[] {
    return subjects.flatMap((subject) => held.get(keyOf(subject))?.record ?? [])
  }

  /** The number of a reader's cursor; undefined where it has to begin anew, from another history or a later page. */
  function numberOf(cursor: string | undefined): number | undefined {
    if (cursor === undefined) return undefined
    const { history, number, end = 0 } = parseCursor(cursor)
    return history === getKnown().history && end <= position.cursor ? number : undefined
  }

  return {
    load: coalesce(reload),

    find,

    isRevoked: (token) => isRevoked(token, find(revocationSubjects(token))),

    pageAfter(asked) {
      const { history, asOf } = getKnown()
      const from = numberOf(asked)
      const now = clock.now().getTime()
      const entries: HeldEntry[] = []
      for (let index = firstIndexAfter(log, from ?? 0); index < log.length; index += 1) {
        const entry = log[index]!
        if (!isHeld(entry) || isExpired(entry, now)) continue
        entries.push(entry)
        if (entries.length > pageSize) break
      }
      const hasMore = entries.length > pageSize
      if (hasMore) entries.pop()
      const { cursor: end } = position
      return {
        after: from === undefined ? undefined : asked,
        cursor: hasMore
          ? formatCursor({ history, number: entries.at(-1)!.cursor, end })
          : formatCursor({ history, number: end }),
        asOf: hasMore ? undefined : asOf,
        entries: entries.map(({ wire }) => wire),
      }
    },

    cursor: () => formatCursor({ history: getKnown().history, number: position.cursor }),
    asOf: () => known?.asOf,
    version: () => version,

    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

async function toEntry(row: RecordedRevocation): Promise<HeldEntry> {
  const { kind, id, notBefore, expiresAt, cursor } = row
  const digest = await digestSubject({ kind, id })
  return {
    key: keyOf(row),
    cursor,
    record: { kind, id, notBefore },
    wire: [kind, digest, notBefore, Math.ceil(expiresAt.getTime() / 1000)],
  }
}

function keyOf({ kind, id }: RevocationSubject): string {
  return `${kind}:${id}`
}

function isExpired({ wire: [, , , expiresAt] }: HeldEntry, now: number): boolean {
  return expiresAt * 1000 <= now
}

function firstIndexAfter(log: readonly HeldEntry[], cursor: number): number {
  let [low, high] = [0, log.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (log[middle]!.cursor > cursor) high = middle
    else low = middle + 1
  }
  return low
}
