/** Authorization codes (RFC 6749 §4.1.2): short-lived, of one use, known to the database by hash only. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../database/clock.ts'
import type { Confirmation } from '../protocol/confirmation.ts'
import { addSeconds } from '../protocol/instants.ts'
import { createSecret, hashSecret } from '../protocol/secrets.ts'
import type { Grant } from './grant.ts'
import type { CodeStore } from './code-store.ts'

/** What a code stands for, and what its redemption must match. */
export interface CodeGrant extends Grant {
  /** As the authorization request had it; undefined when it had none. */
  redirectUri: string | undefined
  nonce: string | undefined
  codeChallenge: string | undefined
  /** The key that the redemption must prove, where the request named one. */
  confirmation?: Confirmation | undefined
}

/** A grant before it has its code. */
export interface NewCodeGrant extends Omit<CodeGrant, 'grantId'> {
  /** Where the setting is too long for the client. */
  longestTtlSeconds?: number | undefined
}

export interface StoredCode extends CodeGrant {
  expiresAt: Date
  consumedAt: Date | undefined
  /** Its session has ended, or its client was revoked since. */
  isEnded: boolean
}

export interface Codes {
  create(grant: NewCodeGrant): Promise<string>
  /** Ends the pending authorization request in the same statement; undefined when somebody else has ended it. */
  createInAnswerTo(requestHash: Buffer, grant: NewCodeGrant): Promise<string | undefined>
  find(code: string): Promise<StoredCode | undefined>
  /**
   * The one-time gate. In the same statement the winner's refresh family begins if it is `refreshable`, bound to the key of
   * `confirmation` if there is one, and its client is noted if it `listensForLogout`. A code whose session has ended, or whose client was revoked, is used up and gives nothing.
   */
  consume(
    code: string,
    options: {
      refreshable: boolean
      listensForLogout?: boolean
      confirmation?: Confirmation | undefined
    },
  ): Promise<'consumed' | 'replayed' | 'ended'>
}

export function createCodes({
  store,
  clock,
  settings,
}: {
  store: CodeStore
  clock: Clock
  settings: { codeTtlSeconds: number; refreshIdleTtlSeconds: number; refreshTtlSeconds: number }
}): Codes {
  async function insert(
    { longestTtlSeconds = Infinity, ...grant }: NewCodeGrant,
    requestHash?: Buffer,
  ) {
    const code = createSecret()
    const createdAt = clock.now()
    const ttlSeconds = Math.min(settings.codeTtlSeconds, longestTtlSeconds)
    const expiresAt = addSeconds(createdAt, ttlSeconds)
    const isInserted = await store.insertCode(
      hashSecret(code),
      { ...grant, grantId: randomUUID() },
      { createdAt, expiresAt, requestHash },
    )
    return { code, isInserted }
  }

  return {
    create: async (grant) => (await insert(grant)).code,
    async createInAnswerTo(requestHash, grant) {
      const { code, isInserted } = await insert(grant, requestHash)
      return isInserted ? code : undefined
    },
    find: (code) => store.findCode(hashSecret(code)),
    async consume(code, { refreshable, listensForLogout = false, confirmation }) {
      const now = clock.now()
      return store.consumeCode(hashSecret(code), {
        now,
        refreshable,
        listensForLogout,
        confirmation,
        idleExpiresAt: addSeconds(now, settings.refreshIdleTtlSeconds),
        expiresAt: addSeconds(now, settings.refreshTtlSeconds),
      })
    },
  }
}
