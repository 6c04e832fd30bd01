/** Password hashes: argon2id, a bounded number at a time, the same work whether or not the user exists. */
import * as nativeArgon2 from 'argon2'
import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { createConcurrencyLimit } from './concurrency-limit.ts'
import { encodePassword } from './password-rules.ts'

export interface PasswordHasher {
  /** The hash to store, in PHC format. Throws temporarily_unavailable when too many wait. */
  hash(password: string): Promise<string>
  /** With no hash, does the same work and answers false. Throws temporarily_unavailable when too many wait. */
  verify(hash: string | undefined, password: string): Promise<boolean>
  /** Whether the hash was made with other parameters than today's. */
  needsRehash(hash: string): boolean
}

interface Argon2Parameters {
  memoryCost: number // KiB
  timeCost: number
  parallelism: number
}

/** What is used of the argon2 package. */
export interface Argon2 {
  hash(password: Buffer, parameters: Argon2Parameters): Promise<string>
  verify(hash: string, password: Buffer): Promise<boolean>
}

interface PasswordHasherOptions {
  /** Hashes that run at once. */
  concurrency?: number
  /** Hashes that may wait for their turn; a core does about forty a second. */
  queueLimit?: number
  argon2?: Argon2
}

const parameters: Argon2Parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

export function createPasswordHasher(options: PasswordHasherOptions = {}): PasswordHasher {
  const { concurrency = availableParallelism(), queueLimit = 100, argon2 = nativeArgon2 } = options
  const limit = createConcurrencyLimit({ concurrency, queueLimit })
  const dummyHash = createDummyHash()
  const dummyPassword = Buffer.alloc(0)

  return {
    async hash(password) {
      const bytes = encodePassword(password)
      if (!bytes) throw new RangeError('a password must be checked before it is hashed')
      return limit(() => argon2.hash(bytes, parameters))
    },
    async verify(hash, password) {
      const bytes = encodePassword(password)
      if (hash !== undefined && bytes) return limit(() => argon2.verify(hash, bytes))
      await limit(() => argon2.verify(dummyHash, bytes ?? dummyPassword))
      return false
    },
    needsRehash: (hash) => nativeArgon2.needsRehash(hash, parameters),
  }
}

/** A hash that no password is known to have: verifying it costs what verifying a real one costs. */
function createDummyHash(): string {
  const { memoryCost, timeCost, parallelism } = parameters
  const [salt, tag] = [randomBytes(16), randomBytes(32)].map((bytes) =>
    bytes.toString('base64').replaceAll('=', ''),
  )
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${salt}$${tag}`
}
