/** SQL of initial access tokens. */
import type { Queryable } from '../database/database.ts'

export interface StoredInitialAccessToken {
  id: string
  name: string | undefined
  maxUses: number | undefined
  uses: number
  createdAt: Date
  revokedAt: Date | undefined
  expiresAt: Date
}

interface TokenRow {
  id: string
  name: string | null
  max_uses: number | null
  uses: number
  created_at: Date
  revoked_at: Date | null
  expires_at: Date
}

export type InitialAccessTokenStore = ReturnType<typeof createInitialAccessTokenStore>

/** SQL of whether the token of $1 counts at $2. */
const isUsable = `token_hash = $1 and revoked_at is null and expires_at > $2
  and (max_uses is null or uses < max_uses)`

export function createInitialAccessTokenStore(database: Queryable) {
  return {
    async insertToken(
      tokenHash: Buffer,
      { id, name, maxUses, createdAt, expiresAt }: StoredInitialAccessToken,
      transaction: Queryable,
    ): Promise<void> {
      await transaction.query(
        `insert into registration_tokens (id, token_hash, name, max_uses, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6)`,
        [id, tokenHash, name ?? null, maxUses ?? null, createdAt, expiresAt],
      )
    },

    async listTokens(): Promise<StoredInitialAccessToken[]> {
      const rows = await database.query<TokenRow>(
        `select id, name, max_uses, uses, created_at, revoked_at, expires_at
         from registration_tokens
         order by created_at, id`,
      )
      return rows.map(toToken)
    },

    async revokeToken(
      id: string,
      now: Date,
      transaction: Queryable,
    ): Promise<'revoked' | 'unknown'> {
      const rows = await transaction.query(
        `update registration_tokens set revoked_at = coalesce(revoked_at, $2)
         where id::text = $1
         returning id`,
        [id, now],
      )
      return rows.length > 0 ? 'revoked' : 'unknown'
    },

    async findUsable(tokenHash: Buffer, now: Date): Promise<string | undefined> {
      const [row] = await database.query<{ id: string }>(
        `select id from registration_tokens where ${isUsable}`,
        [tokenHash, now],
      )
      return row?.id
    },

    /** Counts one use; answers the token's id, or nothing when others have used it up. */
    async useToken(
      tokenHash: Buffer,
      now: Date,
      transaction: Queryable,
    ): Promise<string | undefined> {
      const [row] = await transaction.query<{ id: string }>(
        `update registration_tokens set uses = uses + 1 where ${isUsable} returning id`,
        [tokenHash, now],
      )
      return row?.id
    },
  }
}

function toToken(row: TokenRow): StoredInitialAccessToken {
  return {
    id: row.id,
    name: row.name ?? undefined,
    maxUses: row.max_uses ?? undefined,
    uses: row.uses,
    createdAt: row.created_at,
    revokedAt: row.revoked_at ?? undefined,
    expiresAt: row.expires_at,
  }
}
