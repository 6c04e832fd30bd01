/** How a revocation is told: what it has ended, and where tokens may pass for good a little longer. */
import { countLimit } from '../revocation/ending-store.ts'
import type { Ended, Revoked } from '../revocation/recorder.ts'
import { localTime, span } from './time.ts'

export interface RevokedContext {
  reason: string | undefined
  /** How long a token can live at most. */
  longestSeconds: number
}

export function toRevokedDocument(
  { at, notBefore, ended }: Revoked,
  { reason, longestSeconds }: RevokedContext,
) {
  return {
    revoked_at: at,
    not_before: notBefore,
    reason: reason ?? null,
    ended,
    verifiers_until: new Date(at.getTime() + longestSeconds * 1000),
  }
}

export function describeRevoked(
  { at, ended }: Revoked,
  { longestSeconds }: RevokedContext,
  what = describeEnded(ended),
): string {
  const until = new Date(at.getTime() + longestSeconds * 1000)
  return [
    `Ended: ${what}.`,
    'Services that listen to the revocation feed refuse the access tokens within a',
    'second, those that poll it with their next poll. One that goes by expiry alone',
    `may accept them for ${span(longestSeconds)} yet, until ${localTime(until)}.`,
  ].join('\n')
}

const names: [kind: keyof Ended, one: string, many: string][] = [
  ['sessions', 'browser session', 'browser sessions'],
  ['codes', 'authorization code', 'authorization codes'],
  ['refresh_tokens', 'refresh token', 'refresh tokens'],
  ['authorization_requests', 'sign-in under way', 'sign-ins under way'],
]

function describeEnded(ended: Ended): string {
  const counted = names.flatMap(([kind, one, many]) => {
    const count = ended[kind] ?? 0
    if (count === 0) return []
    return [count === 1 ? `1 ${one}` : `${count}${count < countLimit ? '' : ' or more'} ${many}`]
  })
  return [...counted, 'the access tokens'].join(', ')
}
