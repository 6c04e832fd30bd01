/** How long verifiers may be wrong about a key after an emergency: what a revocation or a forced rotation costs at worst. */
import { servedSeconds, type OutOfTouchSettings } from './out-of-touch.ts'
import { addSeconds } from '../protocol/instants.ts'
import type { KeyTimes } from './schedule.ts'

export type ExposureSettings = OutOfTouchSettings

/** Who is wrong until when, each at the latest. */
export interface Exposure {
  from: Date
  /** Nodes of ours that cannot be told: they go on publishing the JWKS of before, and for a shorter time signing. */
  nodesUntil: Date
  /** Verifiers that keep to our Cache-Control. */
  cachesUntil: Date
  /** Verifiers that keep a JWKS for longer on their own. */
  verifiersUntil: Date
}

/** While verifiers may go on trusting a revoked key, and with it whatever a thief signs. */
export function exposureOfRevocation(revokedAt: Date, settings: ExposureSettings): Exposure {
  return exposureFrom(revokedAt, revokedAt, settings)
}

/** While verifiers may refuse a key that signs early; undefined when all know it by then. */
export function exposureOfPromotion(
  { publishedAt }: Pick<KeyTimes, 'publishedAt'>,
  signsAt: Date,
  settings: ExposureSettings,
): Exposure | undefined {
  const exposure = exposureFrom(signsAt, publishedAt, settings)
  return exposure.verifiersUntil > signsAt ? exposure : undefined
}

function exposureFrom(from: Date, changedAt: Date, settings: ExposureSettings): Exposure {
  const until = (seconds: number) => {
    const instant = addSeconds(changedAt, seconds)
    return instant > from ? instant : from
  }
  const { jwksMaxAgeSeconds, verifierCacheSeconds } = settings
  const served = servedSeconds(settings)
  const cached = served + jwksMaxAgeSeconds
  return {
    from,
    nodesUntil: until(served),
    cachesUntil: until(cached),
    verifiersUntil: until(cached + verifierCacheSeconds),
  }
}
