/**
 * Refresh token families (RFC 9700 §4.14): every use makes the next generation. The generation before may come again
 * for a short while (parallel tabs, lost responses) and gets the same successor; any other old one is reuse.
 */
import type { Clock } from '../database/clock.ts'
import { isPartOf } from '../protocol/authorization-details.ts'
import type { Confirmation } from '../protocol/confirmation.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { Account } from '../users/accounts.ts'
import type { Grant } from './grant.ts'
import type { RefreshTokenFormat } from './refresh-token.ts'
import type { FamilyStore } from './family-store.ts'

/** A family and, as far as they matter here, its user. */
export interface RefreshFamily extends Grant {
  /** The key that each use must prove. */
  confirmation: Confirmation | undefined
  generation: number
  rotatedAt: Date
  expiresAt: Date
  /** Or, at the same time, its client. */
  revokedAt: Date | undefined
  /** When the browser's session ended that it came from; a family outlives it. */
  sessionEndedAt: Date | undefined
  account: Account
}

export interface RotateRequest {
  clientId: string
  /** What the request narrows down to; undefined: all that was granted, which must be one registered resource at most. */
  scope: string[] | undefined
  resources: string[] | undefined
  /** RFC 9396 §6. */
  authorizationDetails?: JsonObject[] | undefined
  /** What the request proved. */
  confirmation?: Confirmation | undefined
  /** Whether the token stays the same (FAPI 2.0 §5.3.2.1). */
  isKept?: boolean
}

export type Rotation =
  | { verdict: 'rotated' | 'replayed'; family: RefreshFamily; refreshToken: string }
  | { verdict: 'reused'; family: RefreshFamily }
  | { verdict: 'scope-exceeded' | 'resource-exceeded' | 'details-exceeded' | 'key-unproven' }
  /** Nothing was rotated: one token may not do for all of them, or some are gone, so name those that it shall be for. */
  | { verdict: 'resources-unnamed'; resources: string[] }
  | { verdict: 'unknown'; reason: string }

export interface RefreshFamilies {
  /** The first token of a family that the redemption of a code began. */
  firstToken(grantId: string): string
  rotate(token: string, request: RotateRequest): Promise<Rotation>
  /** The family of a token that would still be accepted. */
  findLive(token: string): Promise<RefreshFamily | undefined>
  /** The family of a token of any generation, unless it has ended. */
  findOpen(token: string): Promise<RefreshFamily | undefined>
  /** The same, ended or not. */
  find(token: string): Promise<RefreshFamily | undefined>
}

export function createRefreshFamilies({
  store,
  format,
  clock,
  settings,
}: {
  store: FamilyStore
  format: RefreshTokenFormat
  clock: Clock
  settings: { replayWindowSeconds: number; refreshIdleTtlSeconds: number; defaultAudience: string }
}): RefreshFamilies {
  async function explain(
    { grantId, generation }: { grantId: string; generation: number },
    request: RotateRequest,
  ): Promise<Rotation> {
    const family = await store.findFamily(grantId)
    if (!family) return { verdict: 'unknown', reason: 'no such family' }
    if (family.clientId !== request.clientId)
      return { verdict: 'unknown', reason: 'issued to another client' }
    const ended = whyEnded(family, clock.now())
    if (ended !== undefined) return { verdict: 'unknown', reason: ended }
    if (!proves(request.confirmation, family.confirmation)) return { verdict: 'key-unproven' }
    if (exceeds(request.scope, family.scope)) return { verdict: 'scope-exceeded' }
    if (exceeds(request.resources, family.resources)) return { verdict: 'resource-exceeded' }
    if (!isPartOf(request.authorizationDetails ?? [], family.authorizationDetails))
      return { verdict: 'details-exceeded' }
    if (generation === family.generation && request.resources === undefined)
      return { verdict: 'resources-unnamed', resources: family.resources }
    if (mayReplay(family, generation))
      return {
        verdict: 'replayed',
        family,
        refreshToken: format.format(grantId, family.generation),
      }
    return { verdict: 'reused', family }
  }

  function mayReplay(family: RefreshFamily, generation: number): boolean {
    const windowEnds = family.rotatedAt.getTime() + settings.replayWindowSeconds * 1000
    return generation === family.generation - 1 && clock.now().getTime() < windowEnds
  }

  async function find(token: string): Promise<RefreshFamily | undefined> {
    const parsed = format.parse(token)
    return parsed && store.findFamily(parsed.grantId)
  }

  async function findOpen(token: string): Promise<RefreshFamily | undefined> {
    const family = await find(token)
    return family && whyEnded(family, clock.now()) === undefined ? family : undefined
  }

  return {
    firstToken: (grantId) => format.format(grantId, 1),

    async rotate(token, request) {
      const parsed = format.parse(token)
      if (!parsed) return { verdict: 'unknown', reason: 'not a token of this server' }
      const now = clock.now()
      const family = await store.rotateFamily({
        ...parsed,
        ...request,
        authorizationDetails: request.authorizationDetails,
        confirmation: request.confirmation,
        isKept: request.isKept ?? false,
        defaultAudience: settings.defaultAudience,
        now,
        idleExpiresAt: new Date(now.getTime() + settings.refreshIdleTtlSeconds * 1000),
      })
      if (!family) return explain(parsed, request)
      return {
        verdict: 'rotated',
        family,
        refreshToken: format.format(family.grantId, family.generation),
      }
    },

    find,
    findOpen,

    async findLive(token) {
      const parsed = format.parse(token)
      const family = await findOpen(token)
      if (!parsed || !family) return undefined
      const accepted =
        parsed.generation === family.generation || mayReplay(family, parsed.generation)
      return accepted ? family : undefined
    },
  }
}

/** Undefined while it goes on. */
export function whyEnded(family: RefreshFamily, now: Date): string | undefined {
  const { account } = family
  if (family.revokedAt) return 'the family was revoked'
  if (family.expiresAt <= now) return 'the family has expired'
  if (account.disabledAt) return 'the user is disabled'
  if (account.revokedAt && family.authTime <= account.revokedAt) return 'the user was revoked'
  return undefined
}

function proves(proven: Confirmation | undefined, bound: Confirmation | undefined): boolean {
  return (['jkt', 'x5t#S256'] as const).every(
    (name) => bound?.[name] === undefined || bound[name] === proven?.[name],
  )
}

function exceeds(asked: string[] | undefined, granted: string[]): boolean {
  return asked !== undefined && !asked.every((one) => granted.includes(one))
}
