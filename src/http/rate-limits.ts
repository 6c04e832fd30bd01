/**
 * Limits on guessing passwords and user codes, and on what strangers can make us keep or fetch, counted in Postgres and so
 * shared by all nodes. Names and addresses are stored as hashes only. Without the database there is no answer: nobody guesses unlimited
 * during an outage.
 */
import { createHash } from 'node:crypto'
import { RateLimiterPostgres } from 'rate-limiter-flexible'
import type { Queryable } from '../database/database.ts'
import { normalizeIdentifier } from '../users/identifiers.ts'
import { networkOf } from './network.ts'

export interface LoginAttempt {
  address: string
  /** What was typed as username or email. */
  identifier: string
}

export type RateLimitVerdict = { allowed: true } | { allowed: false; retryAfterSeconds: number }

export interface RateLimits {
  /**
   * To be asked before the password is hashed. Counts the attempt for its identifier at once, so that simultaneous
   * guesses do not all pass; an address, which many people may share, is charged for failures only.
   */
  loginAttempt(attempt: LoginAttempt): Promise<RateLimitVerdict>
  recordFailure(attempt: LoginAttempt): Promise<void>
  /** Counts the attempt for its network, whatever comes of it. */
  signUpAttempt(address: string): Promise<RateLimitVerdict>
  /** Forgets the attempts of this identifier from this address. */
  recordSuccess(attempt: LoginAttempt): Promise<void>
  /**
   * RFC 8628 §5.1: to be asked before a user code is looked up. Counts the attempt at once, so that simultaneous guesses
   * do not all pass; one that was right is taken back, as many people may share an address.
   */
  userCodeAttempt(address: string): Promise<RateLimitVerdict>
  recordUserCodeFound(address: string): Promise<void>
  /** To be asked before a client is registered that nobody vouches for. Counts the attempt. */
  registration(address: string): Promise<RateLimitVerdict>
  /** To be asked before the document of a client is fetched that is not known yet. Counts the attempt. */
  unknownDocument(address: string): Promise<RateLimitVerdict>
  /** To be asked before a request is kept whose client has not proven who it is. Counts it. */
  strangersRequest(address: string): Promise<RateLimitVerdict>
}

const limits = {
  pair: { points: 10, duration: 15 * 60 },
  address: { points: 100, duration: 15 * 60 },
  identifier: { points: 100, duration: 60 * 60 },
  'sign-up': { points: 20, duration: 60 * 60 },
  userCode: { points: 30, duration: 15 * 60 },
  registration: { points: 100, duration: 60 * 60 },
  document: { points: 100, duration: 60 * 60 },
  stranger: { points: 1000, duration: 15 * 60 },
}

export function createRateLimits({
  database,
  enabled,
}: {
  database: Queryable
  enabled: boolean
}): RateLimits {
  if (!enabled) return unlimited
  const storeClient = toStoreClient(database)
  const limiter = (kind: keyof typeof limits) =>
    new RateLimiterPostgres({
      ...limits[kind],
      keyPrefix: kind,
      storeClient,
      storeType: 'pool',
      tableName: 'rate_limits',
      tableCreated: true,
      clearExpiredByTimeout: false, // jobs/purge-expired does it
    })
  const [pair, address, identifier] = [limiter('pair'), limiter('address'), limiter('identifier')]
  const userCode = limiter('userCode')

  function countPerNetwork(kind: 'sign-up' | 'registration' | 'document' | 'stranger') {
    const attempts = limiter(kind)
    return async (from: string): Promise<RateLimitVerdict> => {
      const { consumedPoints, msBeforeNext } = await attempts.penalty(hash(networkOf(from)))
      return consumedPoints > limits[kind].points ? refuse(msBeforeNext) : { allowed: true }
    }
  }

  return {
    async loginAttempt(attempt) {
      const keys = keysOf(attempt)
      const failures = await address.get(keys.address)
      if (failures && failures.consumedPoints >= limits.address.points)
        return refuse(failures.msBeforeNext)
      const ofPair = await pair.penalty(keys.pair)
      if (ofPair.consumedPoints > limits.pair.points) return refuse(ofPair.msBeforeNext)
      // Last, so that an address that is refused anyway cannot lock others out of the account.
      const ofIdentifier = await identifier.penalty(keys.identifier)
      if (ofIdentifier.consumedPoints > limits.identifier.points)
        return refuse(ofIdentifier.msBeforeNext)
      return { allowed: true }
    },

    async recordFailure(attempt) {
      await address.penalty(keysOf(attempt).address)
    },

    async recordSuccess(attempt) {
      const keys = keysOf(attempt)
      await Promise.all([pair.delete(keys.pair), identifier.reward(keys.identifier)])
    },

    async userCodeAttempt(from) {
      const attempts = await userCode.penalty(hash(networkOf(from)))
      return attempts.consumedPoints > limits.userCode.points
        ? refuse(attempts.msBeforeNext)
        : { allowed: true }
    },

    async recordUserCodeFound(from) {
      await userCode.reward(hash(networkOf(from)))
    },

    signUpAttempt: countPerNetwork('sign-up'),
    registration: countPerNetwork('registration'),
    unknownDocument: countPerNetwork('document'),
    strangersRequest: countPerNetwork('stranger'),
  }
}

const unlimited: RateLimits = {
  loginAttempt: async () => ({ allowed: true }),
  recordFailure: async () => {},
  signUpAttempt: async () => ({ allowed: true }),
  recordSuccess: async () => {},
  userCodeAttempt: async () => ({ allowed: true }),
  recordUserCodeFound: async () => {},
  registration: async () => ({ allowed: true }),
  unknownDocument: async () => ({ allowed: true }),
  strangersRequest: async () => ({ allowed: true }),
}

function refuse(millisecondsToWait: number): RateLimitVerdict {
  return { allowed: false, retryAfterSeconds: Math.max(1, Math.ceil(millisecondsToWait / 1000)) }
}

function keysOf(attempt: LoginAttempt) {
  const network = networkOf(attempt.address)
  const name = normalizeIdentifier(attempt.identifier).toLowerCase()
  return {
    pair: hash(network, name),
    address: hash(network),
    identifier: hash(name),
  }
}

function hash(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}

/** As much of a `pg` pool as rate-limiter-flexible uses. */
function toStoreClient(database: Queryable) {
  return {
    async query({ text, values }: { text: string; values: readonly unknown[] }) {
      const rows = await database.query(text, values)
      return { rows, rowCount: rows.length }
    },
  }
}
