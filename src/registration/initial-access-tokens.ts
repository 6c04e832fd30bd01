/** Initial access tokens (RFC 7591 §1.2, §3): an administrator lets somebody register clients. */
import { randomUUID } from 'node:crypto'
import type { AuditStore } from '../audit/store.ts'
import type { Clock } from '../database/clock.ts'
import type { Database } from '../database/database.ts'
import { addSeconds } from '../protocol/instants.ts'
import { Refusal } from '../protocol/refusal.ts'
import { createSecret, hashSecret } from '../protocol/secrets.ts'
import type { Act } from '../revocation/recorder.ts'
import type {
  InitialAccessTokenStore,
  StoredInitialAccessToken,
} from './initial-access-tokens-store.ts'

export interface InitialAccessTokens {
  /** The token itself cannot be shown again. */
  create(
    wanted: { name?: string | undefined; ttlSeconds: number; maxUses?: number | undefined },
    act: Act,
  ): Promise<{ secret: string; token: StoredInitialAccessToken }>
  /** Those that expired lately, too. */
  list(): Promise<StoredInitialAccessToken[]>
  /** The clients that it made stay. */
  revoke(id: string, act: Act): Promise<void>
}

const maxNameLength = 200

export function createInitialAccessTokens({
  database,
  store,
  audit,
  clock,
}: {
  database: Pick<Database, 'transaction'>
  store: InitialAccessTokenStore
  audit: Pick<AuditStore, 'record'>
  clock: Pick<Clock, 'now'>
}): InitialAccessTokens {
  return {
    async create({ name, ttlSeconds, maxUses }, { actor, reason = null }) {
      if (ttlSeconds === 0 || maxUses === 0)
        throw new Refusal('A token that can never be used is of no use. Give more than 0.')
      if (name !== undefined && (name.trim() === '' || name.length > maxNameLength))
        throw new Refusal(`The name of a token has 1 to ${maxNameLength} characters.`)
      const at = clock.now()
      const secret = createSecret()
      const token = {
        id: randomUUID(),
        name,
        maxUses,
        uses: 0,
        createdAt: at,
        revokedAt: undefined,
        expiresAt: addSeconds(at, ttlSeconds),
      }
      await database.transaction(async (transaction) => {
        await store.insertToken(hashSecret(secret), token, transaction)
        const action = 'registration-tokens.create'
        const details = { name, max_uses: maxUses, expires_at: token.expiresAt }
        await audit.record({ at, action, subject: token.id, actor, reason, details }, transaction)
      })
      return { secret, token }
    },

    list: () => store.listTokens(),

    async revoke(id, { actor, reason = null }) {
      const at = clock.now()
      await database.transaction(async (transaction) => {
        if ((await store.revokeToken(id, at, transaction)) === 'unknown')
          throw new Refusal(
            `There is no registration token with the id ${JSON.stringify(id)}. Type: claviger registration-tokens list`,
          )
        const action = 'registration-tokens.revoke'
        await audit.record({ at, action, subject: id, actor, reason, details: {} }, transaction)
      })
    },
  }
}
