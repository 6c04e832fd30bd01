/** Authorization codes (RFC 6749 §4.1.2): short-lived, of one use, known to the database by hash only. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Clock } from '../database/clock.ts'
import type { Grant } from './grant.ts'
import type { TokenStore } from './store.ts'

/** What a code stands for, and what its redemption must match. */
export interface CodeGrant extends Grant {
  /** As the authorization request had it; undefined when it had none. */
  redirectUri: string | undefined
  nonce: string | undefined
  codeChallenge: string | undefined
}

export interface StoredCode extends CodeGrant {
  expiresAt: Date
  consumedAt: Date | undefined
}

export interface Codes {
  create(grant: Omit<CodeGrant, 'grantId'>): Promise<string>
  /** Ends the pending authorization request in the same statement; undefined when somebody else has ended it. */
  createInAnswerTo(
    requestHash: Buffer,
    grant: Omit<CodeGrant, 'grantId'>,
  ): Promise<string | undefined>
  find(code: string): Promise<StoredCode | undefined>
  /** The one-time gate; with `refreshable` the winner's refresh family begins in the same statement. */
  consume(code: string, options: { refreshable: boolean }): Promise<'consumed' | 'replayed'>
}

export function createCodes({
  store,
  clock,
  settings,
}: {
  store: TokenStore
  clock: Clock
  settings: { codeTtlSeconds: number; refreshIdleTtlSeconds: number; refreshTtlSeconds: number }
}): Codes {
  async function insert(grant: Omit<CodeGrant, 'grantId'>, requestHash?: Buffer) {
    const code = randomBytes(32).toString('base64url')
    const createdAt = clock.now()
    const expiresAt = plusSeconds(createdAt, settings.codeTtlSeconds)
    const isInserted = await store.insertCode(
      hash(code),
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
    find: (code) => store.findCode(hash(code)),
    async consume(code, { refreshable }) {
      const now = clock.now()
      const won = await store.consumeCode(hash(code), {
        now,
        refreshable,
        idleExpiresAt: plusSeconds(now, settings.refreshIdleTtlSeconds),
        expiresAt: plusSeconds(now, settings.refreshTtlSeconds),
      })
      return won ? 'consumed' : 'replayed'
    },
  }
}

function hash(code: string): Buffer {
  return createHash('sha256').update(code).digest()
}

function plusSeconds(instant: Date, seconds: number): Date {
  return new Date(instant.getTime() + seconds * 1000)
}
