/** The revocation feed (docs/revocation-feed.md): what an issuer tells those who verify tokens locally. */
import { sha256 } from './digest.ts'
import { isObject } from './json.ts'
import type { RevocationKind, RevocationSubject } from './not-before.ts'

/** The `typ` of its signed documents. */
export const feedType = 'revocations+jwt'

/** The scope that a client needs to read it. */
export const feedScope = 'revocations'

/** What was issued for the subject before `notBefore` counts no more; both instants in seconds since 1970. */
export type FeedEntry = [
  kind: RevocationKind,
  digest: string,
  notBefore: number,
  /** From then on no token from before `notBefore` is alive, and the entry may be forgotten. */
  expiresAt: number,
]

/** The payload of a document: the entries after one cursor, up to another. */
export interface FeedDocument {
  iss: string
  /** Seconds since 1970, as in any JWT. */
  iat: number
  exp: number
  /** The issuer's clock when it signed, in milliseconds since 1970. */
  clock: number
  /**
   * Whatever was revoked until then is among the entries up to `cursor`; in milliseconds since 1970. Absent when more
   * entries follow after `cursor`.
   */
  as_of?: number
  /** Where the entries begin; absent: from the start, so that they are the whole state. */
  after?: string
  /** Where they end, to ask for what comes later: opaque, 1 to 64 printable ASCII characters. */
  cursor: string
  /** How often the stream sends a document at least, in seconds. */
  heartbeat: number
  /** In the order of their recording; the later entry of a subject stands for the earlier. */
  entries: FeedEntry[]
}

const kinds: readonly string[] = [
  'everything',
  'key',
  'client',
  'user',
  'session',
  'grant',
  'token',
] satisfies RevocationKind[]

/**
 * The name that a subject has in the feed: the first 22 characters (132 bits) of SHA-256 over `kind:id` in base64url.
 * Whoever holds a token finds its subjects; whoever reads the feed learns of no others.
 */
export function digestSubject({ kind, id }: RevocationSubject): string | Promise<string> {
  const digest = sha256(`${kind}:${id}`)
  return typeof digest === 'string' ? truncate(digest) : digest.then(truncate)
}

function truncate(digest: string): string {
  return digest.slice(0, 22)
}

/** A document from a verified payload. Undefined when it is none. Entries of kinds that are not known here are left out. */
export function parseFeedDocument(payload: unknown): FeedDocument | undefined {
  if (!isObject(payload)) return undefined
  const { iss, iat, exp, clock, as_of: asOf, after, cursor, heartbeat, entries } = payload
  const isDocument =
    typeof iss === 'string' &&
    [iat, exp, clock, heartbeat].every((number) => Number.isFinite(number)) &&
    (asOf === undefined || Number.isFinite(asOf)) &&
    (after === undefined || isCursor(after)) &&
    isCursor(cursor) &&
    Array.isArray(entries) &&
    entries.every(isEntryLike)
  if (!isDocument) return undefined
  return {
    ...(payload as unknown as FeedDocument),
    entries: (entries as FeedEntry[]).filter(([kind]) => kinds.includes(kind)),
  }
}

export function isCursor(text: unknown): text is string {
  return typeof text === 'string' && /^[\x21-\x7e]{1,64}$/.test(text)
}

function isEntryLike(entry: unknown): boolean {
  if (!Array.isArray(entry)) return false
  const [kind, digest, notBefore, expiresAt] = entry as unknown[]
  return (
    typeof kind === 'string' &&
    typeof digest === 'string' &&
    Number.isFinite(notBefore) &&
    Number.isFinite(expiresAt)
  )
}
