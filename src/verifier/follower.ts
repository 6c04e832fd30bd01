/** Follows the issuer's revocation feed. */
import type { VerifySignature } from './jws.ts'
import type { Emit } from './events.ts'
import type { IssuerMetadataSource } from './issuer-metadata.ts'
import type { NotBefore, TokenOrigin } from './not-before.ts'
import type { Runtime } from './runtime.ts'

export interface FollowOptions {
  clientId?: string
  clientSecret?: string
  accessToken?: () => Promise<string>
  public?: true
  endpoint?: string
  mode?: 'stream' | 'poll'
  pollSeconds?: number
  maxFeedAgeSeconds?: number
  whenStale?: 'refuse' | 'accept'
}

export interface FollowerStatus {
  [member: string]: unknown
}

export interface Follower {
  start(): void
  ready(): Promise<void>
  version(): number
  isFresh(): boolean
  ageMilliseconds(): number | undefined
  refresh(): Promise<void>
  find(origin: TokenOrigin): Promise<NotBefore[]> | NotBefore[]
  isKeyRevoked(kid: string): boolean | Promise<boolean>
  status(): FollowerStatus
  close(): void
}

/** B's file replaces this one. */
export function createFollower(
  options: FollowOptions &
    Runtime & {
      issuer: string
      metadata: IssuerMetadataSource
      verifySignature: VerifySignature
      onEvent: Emit
    },
): Follower {
  throw new Error(`Not built here: ${options.issuer}`)
}
