/** How long a node that cannot read the keys any more goes on publishing those that it knows. */
import type { ScheduleSettings } from './schedule.ts'

export interface CacheSettings {
  jwksMaxAgeSeconds: number
  /** How long verifiers may keep a JWKS on their own, after its max-age. */
  verifierCacheSeconds: number
}

export type OutOfTouchSettings = CacheSettings &
  Pick<
    ScheduleSettings,
    'publicationLeadSeconds' | 'stalenessSeconds' | 'longestTokenSeconds' | 'clockSkewSeconds'
  >

/**
 * From its last reading on. As long as tokens that it knows the key of may live: else an outage would refuse those too.
 * But a key that was published right after that reading must be in every cache that this node filled before it signs.
 */
export function servedSeconds(settings: OutOfTouchSettings): number {
  const { stalenessSeconds, longestTokenSeconds, clockSkewSeconds } = settings
  const { publicationLeadSeconds, jwksMaxAgeSeconds, verifierCacheSeconds } = settings
  const useful = stalenessSeconds + longestTokenSeconds + clockSkewSeconds
  const safe = publicationLeadSeconds - jwksMaxAgeSeconds - verifierCacheSeconds - clockSkewSeconds
  return Math.max(stalenessSeconds, Math.min(useful, safe))
}
