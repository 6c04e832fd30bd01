/**
 * The one rule that decides whether a token still counts: refused if `iat` lies before the latest not-before of
 * anything it belongs to. The server's endpoints and every verifier call this and no other.
 */
import { isObject } from './json.ts'

export type RevocationKind =
  | 'everything'
  | 'key'
  | 'client'
  | 'user'
  | 'session'
  | 'grant'
  | 'token'

/** What a not-before can be recorded for. */
export interface RevocationSubject {
  kind: RevocationKind
  /** The kid, client_id, sub, sid, grant_id or jti; empty for everything. */
  id: string
}

/** One record: what was issued for the subject before `notBefore` (seconds since 1970) counts no more. */
export interface NotBefore extends RevocationSubject {
  notBefore: number
}

/** What a token belongs to. */
export interface TokenParts {
  kid?: string | undefined
  client_id?: string | undefined
  sub?: string | undefined
  sid?: string | undefined
  grant_id?: string | undefined
  jti?: string | undefined
}

/** When a token was issued, and what it belongs to. */
export interface TokenOrigin extends TokenParts {
  iat: number
  /** The tokens that it was exchanged for (RFC 8693), each of which takes it along. */
  exchanged_from?: readonly TokenParts[] | undefined
}

const partNames = ['kid', 'client_id', 'sub', 'sid', 'grant_id', 'jti'] as const

/** From the claim `exchanged_from`; undefined for a token that was not exchanged. */
export function exchangedFrom(claim: unknown): TokenParts[] | undefined {
  if (!Array.isArray(claim)) return undefined
  return claim.filter(isObject).map((entry) =>
    Object.fromEntries(
      partNames.flatMap((name) => {
        const id = entry[name]
        return typeof id === 'string' ? [[name, id]] : []
      }),
    ),
  )
}

/** Everything whose revocation would refuse this token. */
export function revocationSubjects(token: TokenOrigin): RevocationSubject[] {
  const owned = [token, ...(token.exchanged_from ?? [])].flatMap(
    ({ kid, client_id, sub, sid, grant_id, jti }): [RevocationKind, string | undefined][] => [
      ['key', kid],
      ['client', client_id],
      ['user', sub],
      ['session', sid],
      ['grant', grant_id],
      ['token', jti],
    ],
  )
  return [
    { kind: 'everything', id: '' },
    ...owned.flatMap(([kind, id]) => (id === undefined ? [] : [{ kind, id }])),
  ]
}

/** The latest of the records that apply to this token, or undefined when there is none. */
export function effectiveNotBefore(
  token: TokenOrigin,
  records: Iterable<NotBefore>,
): number | undefined {
  const subjects = new Set(revocationSubjects(token).map(subjectKey))
  let latest: number | undefined
  for (const record of records)
    if (subjects.has(subjectKey(record)) && (latest === undefined || record.notBefore > latest))
      latest = record.notBefore
  return latest
}

export function isRevoked(token: TokenOrigin, records: Iterable<NotBefore>): boolean {
  const notBefore = effectiveNotBefore(token, records)
  return notBefore !== undefined && !(token.iat >= notBefore) // also without an iat
}

/**
 * The not-before of a revocation at `instant`: the next whole second, so that whatever was issued earlier in the
 * same second dies too. Issuing for the subject waits out the rest of that second.
 */
export function notBeforeOf(instant: Date): number {
  return Math.floor(instant.getTime() / 1000) + 1
}

function subjectKey({ kind, id }: RevocationSubject): string {
  return `${kind}:${id}`
}
