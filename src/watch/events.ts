/** What the watch is told: a closed list. No event holds a token, a secret, a password, or what somebody typed. */
import { isAboutUser } from '../protocol/claims.ts'
import type { ErrorCode } from '../protocol/errors.ts'

/** Where tokens and clients are refused. */
export type WatchedEndpoint =
  | 'token'
  | 'par'
  | 'device-authorization'
  | 'userinfo'
  | 'introspect'
  | 'revoke'
  | 'global-token-revocation'
  | 'revocations'
  | 'register'

/** Whom an event is about, as far as a good signature, a session or a registered client has told. */
export interface Subjects {
  clientId?: string | undefined
  sub?: string | undefined
  sid?: string | undefined
  grantId?: string | undefined
  jti?: string | undefined
}

export type TokenEvent = Subjects &
  /** `act`: the `sub` that acts for this one (RFC 8693 §4.1). */
  (
    | { type: 'token.issued'; details: { grant_type: string; act?: string } }
    /** Once a minute at most for each token and network. */
    | { type: 'token.used'; details: { endpoint: WatchedEndpoint } }
    | {
        type: 'token.refused'
        details: { endpoint: WatchedEndpoint; code: ErrorCode | 'inactive' }
      }
    /** RFC 7009: one access token, or a refresh token's whole grant. Global token revocation: all of a user. */
    | { type: 'token.revoked'; details: { kind: 'token' | 'grant' | 'user' } }
    /** The token just rotated came again inside the window, and got the same successor. */
    | { type: 'refresh.replayed'; details?: never }
    | { type: 'refresh.reused'; details?: never }
    | { type: 'code.reused'; details?: never }
    | { type: 'login.succeeded'; details?: never }
    | { type: 'login.failed'; details: { reason: 'rejected' | 'rate-limited' } }
    /** Once a minute at most for each session and network. */
    | { type: 'session.used'; details?: never }
    | { type: 'logout'; details?: never }
    /** By itself (RFC 7591), not by an administrator. */
    | { type: 'client.registered'; details?: never }
    /** `clientId` is the registered client that somebody claimed to be. */
    | { type: 'client.refused'; details: { endpoint: WatchedEndpoint } }
  )

export type EventType = TokenEvent['type']

export const eventLevels = {
  'token.issued': 'info',
  'token.used': 'debug',
  'token.refused': 'info',
  'token.revoked': 'info',
  'refresh.replayed': 'info',
  'refresh.reused': 'warn',
  'code.reused': 'warn',
  'login.succeeded': 'info',
  'login.failed': 'info',
  'session.used': 'debug',
  logout: 'info',
  'client.registered': 'info',
  'client.refused': 'info',
} as const satisfies Record<EventType, 'debug' | 'info' | 'warn'>

export const eventTypes = Object.keys(eventLevels) as EventType[]

/** The request in which it happened. */
export interface Origin {
  requestId: string
  /** Never an address. */
  network: string
  log: EventLog
}

export type EventLog = Record<
  'debug' | 'info' | 'warn',
  (fields: Record<string, unknown>, message: string) => void
>

/** As it is written down; whatever else an object carried is left out. */
export interface EventRecord {
  at: Date
  type: EventType
  request_id: string
  network: string
  client_id: string | undefined
  sub: string | undefined
  sid: string | undefined
  grant_id: string | undefined
  jti: string | undefined
  details: Readonly<Record<string, string>>
}

export function toRecord(
  { type, details, clientId, sub, sid, grantId, jti }: TokenEvent,
  { at, requestId, network }: Pick<Origin, 'requestId' | 'network'> & { at: Date },
): EventRecord {
  return {
    at,
    type,
    request_id: requestId,
    network,
    client_id: clientId,
    sub,
    sid,
    grant_id: grantId,
    jti,
    details: details ?? {},
  }
}

/** Whom a token of ours is about: without a user its `sub` is the client. */
export function subjectsOf(claims: Readonly<Record<string, unknown>>): Subjects {
  const text = (name: string) => {
    const value = claims[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    clientId: text('client_id'),
    sub: isAboutUser(claims) ? text('sub') : undefined,
    sid: text('sid'),
    grantId: text('grant_id'),
    jti: text('jti'),
  }
}
