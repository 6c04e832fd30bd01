/** An issuer's side of the feed, as docs/revocation-feed.md has it, for tests of those who read it. */
import { CompactSign, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose'
import {
  digestSubject,
  feedType,
  type FeedDocument,
  type FeedEntry,
} from '../../src/verifier/feed.ts'
import type { RevocationKind } from '../../src/verifier/not-before.ts'

export interface FeedKey {
  kid: string
  privateKey: CryptoKey
  jwk: JWK
}

/** How far a node has read. */
export interface View {
  cursor: number
  asOf: number
}

export interface FeedIssuer {
  issuer: string
  keys: FeedKey[]
  revoke(revocation: {
    kind: RevocationKind
    id: string
    /** Seconds since 1970; now unless said otherwise. */
    notBefore?: number
    expiresAt?: number
  }): Promise<void>
  /** What a node knows that is up to date. */
  view(): View
  /** What follows a cursor, as a node with this view answers it. */
  documentAfter(cursor: string | undefined, view?: View): FeedDocument
  /** Goes on under other cursors, with the same entries. */
  failOver(): void
  sign(document: object, header?: object, key?: FeedKey): Promise<string>
}

export const heartbeatSeconds = 15
const lifetimeSeconds = 60

export async function createFeedKey(kid: string): Promise<FeedKey> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
  return {
    kid,
    privateKey,
    jwk: { ...(await exportJWK(publicKey)), kid, alg: 'EdDSA', use: 'sig' },
  }
}

export async function createFeedIssuer({
  issuer,
  now,
  pageSize,
}: {
  issuer: string
  now: () => number
  pageSize: number
}): Promise<FeedIssuer> {
  const keys = [await createFeedKey('key-1')]
  const log: { cursor: number; key: string; entry: FeedEntry }[] = []
  const nowSeconds = () => Math.floor(now() / 1000)
  let history = 0
  const prefix = () => (history === 0 ? '' : `h${history}`)
  const view = (): View => ({ cursor: log.length, asOf: now() })

  return {
    issuer,
    keys,
    view,
    async revoke({ kind, id, notBefore = nowSeconds() + 1, expiresAt = notBefore + 300 }) {
      const entry: FeedEntry = [kind, await digestSubject({ kind, id }), notBefore, expiresAt]
      log.push({ cursor: log.length + 1, key: `${kind}:${id}`, entry })
    },
    failOver: () => void (history += 1),
    documentAfter(asked, { cursor: end, asOf } = view()) {
      const [ofHistory, number] = (asked ?? 'c0').split('c')
      const after = ofHistory === prefix() ? asked : undefined
      const from = after === undefined ? 0 : Number(number)
      const entries = log
        .slice(from, end)
        .filter(({ entry: [, , , expiresAt] }) => expiresAt * 1000 > now())
      const page = entries.slice(0, pageSize)
      const isLast = page.length === entries.length
      const cursor = isLast ? end : page.at(-1)!.cursor
      return {
        iss: issuer,
        iat: nowSeconds(),
        exp: nowSeconds() + lifetimeSeconds,
        clock: now(),
        ...(isLast && { as_of: asOf }),
        ...(after !== undefined && { after }),
        cursor: `${prefix()}c${cursor}`,
        heartbeat: heartbeatSeconds,
        entries: page.map(({ entry }) => entry),
      }
    },
    async sign(document, header = {}, key = keys.at(-1)!) {
      return new CompactSign(new TextEncoder().encode(JSON.stringify(document)))
        .setProtectedHeader({ alg: 'EdDSA', typ: feedType, kid: key.kid, ...header })
        .sign(key.privateKey)
    },
  }
}
