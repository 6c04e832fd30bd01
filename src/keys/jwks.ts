/** The JWKS (RFC 7517 §5) as it is at an instant, and until when it stays so. */
import { createHash } from 'node:crypto'
import type { JsonObject } from '../protocol/json.ts'
import { algorithms, type PublicJwk } from './algorithms.ts'
import { isInJwks, keyState, nextLeavingAt, type KeyTimes } from './schedule.ts'

export interface Jwks {
  body: string
  /** Strong; changes with the body. */
  etag: string
}

/** What holds until the next key leaves the JWKS. */
export interface JwksView {
  endsAt: Date | undefined
  jwks: Jwks
}

type PublishedKey = KeyTimes & { publicJwk: PublicJwk }

export function createJwksView(keys: readonly PublishedKey[], now: Date): JwksView {
  const published = keys
    .filter((key) => isInJwks(key, now))
    .map((key) => ({ key, order: `${keyState(key, now) === 'signing' ? 0 : 1} ${key.kid}` }))
    .toSorted((a, b) => (a.order < b.order ? -1 : 1))
    .map(({ key }) => toPublished(key))
  const body = JSON.stringify({ keys: published })
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
  return { endsAt: nextLeavingAt(keys, now), jwks: { body, etag } }
}

function toPublished({ alg, kid, publicJwk }: PublishedKey): JsonObject {
  const { kty, ...members } = algorithms[alg].toPublicJwk({ ...publicJwk })
  return { kty, use: 'sig', alg, kid, ...members }
}
