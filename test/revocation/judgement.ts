/** What may become of a token, by the order in which things began and ended: what overlaps is left to chance. */

/** In turns of the world. */
export interface Span {
  from: number
  to: number
}

export type Kind = 'user' | 'session' | 'client' | 'grant' | 'token' | 'everything'

export interface Revocation extends Span {
  kind: Kind
  /** A sub, sid, client_id, grant_id or jti; empty for everything. */
  id: string
  /** Of a session: its refresh tokens end too. */
  refreshTokens: boolean
}

/** Of a token that a person's sign-in stands behind. */
export interface Ancestry {
  sub: string
  sid: string
  /** `read`: when the account was read, and with it the password's hash. */
  signIn: Span & { read: number }
  authorization: Span
  via: 'code' | 'refresh'
  /** Of the code's redemption, where this is later. */
  grantId?: string | undefined
}

/** To get a token. */
export interface Attempt extends Span {
  clientId: string
  grantId: string | undefined
  ancestry: Ancestry | undefined
  /** Of what was issued, if anything was. */
  iat: number | undefined
  jti: string | undefined
  /** What the token names the user by. */
  subject: string | undefined
  accessToken: string | undefined
  /** By the database's clock. */
  madeAt: Date
  /** Whether, in the end, it was issued and is not refused. */
  counts: boolean
}

export function mustDie(attempt: Attempt, revocation: Revocation): boolean {
  const { ancestry } = attempt
  const { kind, from } = revocation
  if (!concerns(attempt, revocation)) return false
  if (attempt.to <= from) return true
  if (kind === 'grant' || kind === 'token') return true // it never comes back
  if (!ancestry) return false
  if (kind === 'user' || kind === 'everything') return ancestry.signIn.read <= from
  if (kind === 'client') return ancestry.authorization.to <= from
  return ancestry.via === 'code' || (revocation.refreshTokens && ancestry.authorization.to <= from)
}

/** Unless everything about it began after the revocation had returned. */
export function mayDie(attempt: Attempt, revocation: Revocation): boolean {
  const { ancestry } = attempt
  const { kind, to } = revocation
  if (!concerns(attempt, revocation)) return false
  if (kind === 'grant' || kind === 'token') return true
  if (!ancestry) return attempt.from < to
  if (kind === 'user' || kind === 'everything') return ancestry.signIn.from < to
  if (kind === 'client') return ancestry.authorization.from < to
  return ancestry.via === 'code' || revocation.refreshTokens || attempt.from < to
}

function concerns(attempt: Attempt, { kind, id }: Revocation): boolean {
  const { ancestry, clientId, grantId, jti } = attempt
  const own: Record<Kind, string | undefined> = {
    everything: '',
    user: ancestry?.sub,
    session: ancestry?.sid,
    client: clientId,
    grant: grantId,
    token: jti,
  }
  return own[kind] === id
}
