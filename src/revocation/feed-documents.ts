/** The feed as signed documents (docs/revocation-feed.md): each is signed once, however many ask for it. */
import type { Clock } from '../database/clock.ts'
import type { FeedDocument } from '../verifier/feed.ts'
import type { FeedPage, RevocationFeed } from './feed.ts'

export interface SignedDocument {
  jwt: string
  /** To ask on with. */
  cursor: string
  /** Whether more follows at once. */
  hasMore: boolean
}

export interface FeedDocuments {
  /** What comes after a cursor, or everything. May be up to a second old, but never older than the last change. */
  after(cursor: string | undefined): Promise<SignedDocument>
}

const lifetimeSeconds = 60
/** Readers are at few different cursors; whoever is at another has a document made for itself. */
const maxKept = 100

export function createFeedDocuments({
  feed,
  sign,
  clock,
  issuer,
  heartbeatSeconds,
}: {
  feed: Pick<RevocationFeed, 'pageAfter' | 'version'>
  sign: (payload: FeedDocument) => Promise<string>
  clock: Pick<Clock, 'now'>
  issuer: string
  heartbeatSeconds: number
}): FeedDocuments {
  let kept = new Map<string, Promise<SignedDocument>>()
  let keptFor = ''

  async function make(cursor: string | undefined, now: Date): Promise<SignedDocument> {
    const page = feed.pageAfter(cursor)
    const jwt = await sign(toDocument(page, now))
    return { jwt, cursor: page.cursor, hasMore: page.asOf === undefined }
  }

  function toDocument({ after, cursor, asOf, entries }: FeedPage, now: Date): FeedDocument {
    const iat = Math.floor(now.getTime() / 1000)
    return {
      iss: issuer,
      iat,
      exp: iat + lifetimeSeconds,
      clock: now.getTime(),
      ...(asOf && { as_of: asOf.getTime() }),
      ...(after !== undefined && { after }),
      cursor,
      heartbeat: heartbeatSeconds,
      entries,
    }
  }

  return {
    after(cursor = '') {
      const now = clock.now()
      const current = `${feed.version()} ${Math.floor(now.getTime() / 1000)}`
      if (current !== keptFor) kept = new Map()
      keptFor = current
      const known = kept.get(cursor)
      if (known) return known
      const documents = kept
      const document = make(cursor === '' ? undefined : cursor, now)
      if (documents.size >= maxKept) return document
      documents.set(cursor, document)
      document.catch(() => documents.delete(cursor)) // the next who asks may have better luck
      return document
    },
  }
}
