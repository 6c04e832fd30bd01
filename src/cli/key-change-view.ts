/** How changes of signing keys, and what they cost elsewhere, are shown. */
import { exposureOfPromotion, type Exposure, type ExposureSettings } from '../keys/exposure.ts'
import type { MadeChange } from '../keys/rotation.ts'
import type { SigningKey } from '../keys/store.ts'
import { fields, indent } from './output.ts'
import { localTime, whenAndHow } from './time.ts'

/** Tokens of a key that signs before every verifier can know it. */
export interface Breakage {
  alg: string
  kid: string | undefined
  publishedAt: Date
  exposure: Exposure
}

export const nothingChanged = 'A dry run: nothing is changed. This would be done.'

export function findBreakage(
  changes: readonly MadeChange[],
  keys: readonly SigningKey[],
  settings: ExposureSettings,
): Breakage[] {
  return changes.flatMap((change) => {
    if (!('activatedAt' in change) || !change.activatedAt) return []
    const { alg, kid, activatedAt } = change
    const publishedAt =
      change.change === 'publish'
        ? change.publishedAt
        : keys.find((key) => key.kid === kid)?.publishedAt
    const exposure = publishedAt && exposureOfPromotion({ publishedAt }, activatedAt, settings)
    return exposure ? [{ alg, kid, publishedAt, exposure }] : []
  })
}

export function describeBreakage({ alg, publishedAt, exposure }: Breakage, now: Date): string {
  return [
    `What breaks: new ${alg} tokens are refused wherever the JWKS is from before`,
    `${localTime(publishedAt)}, at worst until`,
    indent(describeExposure(exposure, now)),
  ].join('\n')
}

export function describeExposure(exposure: Exposure, now: Date): string {
  const { from, nodesUntil, cachesUntil, verifiersUntil } = exposure
  const when = (instant: Date) => (instant > from ? whenAndHow(instant, now) : undefined)
  return fields([
    ['nodes of ours out of touch', when(nodesUntil)],
    ['caches that keep to max-age', when(cachesUntil)],
    ['caches that last longer', verifiersUntil > cachesUntil ? when(verifiersUntil) : undefined],
  ])
}

export function toBreakageDocument({ alg, kid, exposure }: Breakage) {
  return { alg, kid: kid ?? null, ...toExposureDocument(exposure) }
}

export function toExposureDocument(exposure: Exposure) {
  const { from, nodesUntil, cachesUntil, verifiersUntil } = exposure
  return {
    from,
    nodes_until: nodesUntil,
    caches_until: cachesUntil,
    verifiers_until: verifiersUntil,
  }
}

export function describeChanges(changes: readonly MadeChange[], now: Date): string {
  return changes
    .map((change) => `${change.alg} ${change.kid ?? '(a new key)'}\n  ${describe(change, now)}`)
    .join('\n')
}

export function toChangeDocument(change: MadeChange) {
  const head = { change: change.change, alg: change.alg, kid: change.kid ?? null }
  if (change.change === 'publish')
    return {
      ...head,
      published_at: change.publishedAt,
      signs_from: change.signsFrom,
      activated_at: change.activatedAt,
    }
  if (change.change === 'activate') return { ...head, activated_at: change.activatedAt }
  if (change.change === 'revoke')
    return { ...head, revoked_at: change.revokedAt, reason: change.reason }
  return { ...head, retired_at: change.retiredAt, leaves_jwks_at: change.leavesJwksAt }
}

function describe(change: MadeChange, now: Date): string {
  if (change.change === 'revoke') return 'is revoked and out of the JWKS'
  if (change.change === 'activate') return 'signs from now on'
  if (change.change === 'retire')
    return `signs no more, leaves the JWKS ${whenAndHow(change.leavesJwksAt, now)}`
  return change.activatedAt
    ? 'is new and signs from now on'
    : `is published, may sign from ${whenAndHow(change.signsFrom, now)}`
}
