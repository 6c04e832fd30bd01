/**
 * The one rule that decides whether a token still counts: refused if `iat` lies before the latest not-before of
 * anything it belongs to. The server's endpoints and every verifier call this and no other.
 */

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

/** The parts of a token that say when it was issued and what it belongs to. */
export interface TokenOrigin {
  iat: number
  kid?: string | undefined
  client_id?: string | undefined
  sub?: string | undefined
  sid?: string | undefined
  grant_id?: string | undefined
  jti?: string | undefined
}

/** Everything whose revocation would refuse this token. */
export function revocationSubjects(token: TokenOrigin): RevocationSubject[] {
  const owned: [RevocationKind, string | undefined][] = [
    ['key', token.kid],
    ['client', token.client_id],
    ['user', token.sub],
    ['session', token.sid],
    ['grant', token.grant_id],
    ['token', token.jti],
  ]
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
