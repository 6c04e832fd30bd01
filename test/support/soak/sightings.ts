/** What the tokens tell of the keys that signed them. Instants are of the database's clock. */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { maySignFrom, type KeyRow } from './key-watch.ts'

export interface Sighting {
  token: string
  kid: string
  node: string
  iat: number
  exp: number
}

export interface Sightings {
  note(token: string, node: string, receivedAt: Date): Sighting
  tokens(): number
  /** Tokens by node. */
  byNode: ReadonlyMap<string, number>
  /** Dated later than when they were received. */
  fromTheFuture: readonly string[]
  /** Signed by a key that is not stored, or before its publication lead was over. */
  signedTooEarly(keys: ReadonlyMap<string, KeyRow>): string[]
  /** Live longer than their key stays in the JWKS. */
  outliveTheirKey(keys: ReadonlyMap<string, KeyRow>): string[]
  /** How long after a key had retired the last token by it came, at most. */
  longestOverlapSeconds(keys: ReadonlyMap<string, KeyRow>): number
}

interface Signed {
  firstAt: Date
  lastAt: Date
  lastExp: number
}

export function createSightings(): Sightings {
  const byKid = new Map<string, Signed>()
  const byNode = new Map<string, number>()
  const fromTheFuture: string[] = []
  let tokens = 0

  return {
    byNode,
    fromTheFuture,
    tokens: () => tokens,

    note(token, node, receivedAt) {
      const { kid = '' } = decodeProtectedHeader(token)
      const { iat = NaN, exp = NaN } = decodeJwt(token)
      tokens += 1
      byNode.set(node, (byNode.get(node) ?? 0) + 1)
      if (!(iat * 1000 <= receivedAt.getTime()))
        fromTheFuture.push(`${node}: iat ${iat} at ${receivedAt.toISOString()}`)
      const known = byKid.get(kid) ?? { firstAt: receivedAt, lastAt: receivedAt, lastExp: exp }
      byKid.set(kid, {
        firstAt: known.firstAt < receivedAt ? known.firstAt : receivedAt,
        lastAt: known.lastAt > receivedAt ? known.lastAt : receivedAt,
        lastExp: Math.max(known.lastExp, exp),
      })
      return { token, kid, node, iat, exp }
    },

    signedTooEarly: (keys) =>
      [...byKid].flatMap(([kid, { firstAt }]) => {
        const key = keys.get(kid)
        if (!key) return [`${kid} is not stored`]
        const from = maySignFrom(key, keys.values())
        return firstAt < from ? [`${kid} signed before ${from.toISOString()}`] : []
      }),

    outliveTheirKey: (keys) =>
      [...byKid].flatMap(([kid, { lastExp }]) => {
        const leavesAt = keys.get(kid)?.leaves_jwks_at
        const outlives = leavesAt && lastExp * 1000 > leavesAt.getTime()
        return outlives ? [`${kid} left the JWKS at ${leavesAt.toISOString()}, exp ${lastExp}`] : []
      }),

    longestOverlapSeconds(keys) {
      const overlaps = [...byKid].map(([kid, { lastAt }]) => {
        const retiredAt = keys.get(kid)?.retired_at
        return retiredAt ? (lastAt.getTime() - retiredAt.getTime()) / 1000 : 0
      })
      return Math.max(0, ...overlaps)
    },
  }
}
