/** The signing_keys table. Whatever changes it holds one advisory lock and tells every node. */
import type { Database, Queryable } from '../database/database.ts'
import type { PublicJwk } from './algorithms.ts'
import type { KeyChange } from './plan.ts'
import type { KeyTimes } from './schedule.ts'
import type { FreshKey, StoredKeyPair } from './signer.ts'
import type { SigningAlg } from '../protocol/signing-algs.ts'

const channel = 'signing_keys'

export interface SigningKey extends KeyTimes, StoredKeyPair {
  publicJwk: PublicJwk
  revocationReason: string | null
}

export type NewSigningKey = FreshKey & Pick<KeyTimes, 'publishedAt' | 'signsFrom' | 'activatedAt'>

export interface SigningKeyChanges {
  list(): Promise<SigningKey[]>
  listAlgorithmsInUse(now: Date): Promise<SigningAlg[]>
  insert(key: NewSigningKey): Promise<void>
  apply(change: Exclude<KeyChange, { change: 'publish' }>): Promise<void>
  /** Replaces the handle, if it still is the one that was read. */
  rewrap(
    before: Pick<StoredKeyPair, 'kid' | 'handle'>,
    after: Pick<StoredKeyPair, 'handle' | 'keyEncryptionKeyId'>,
  ): Promise<void>
}

export interface SigningKeyStore {
  list(): Promise<SigningKey[]>
  /** Of all nodes. */
  listAlgorithmsInUse(now: Date): Promise<SigningAlg[]>
  recordAlgorithmsInUse(algorithms: readonly SigningAlg[], until: Date): Promise<void>
  hasKeys(): Promise<boolean>
  /** Alone among all nodes; every node is notified on commit. */
  change<T>(work: (changes: SigningKeyChanges, transaction: Queryable) => Promise<T>): Promise<T>
  /** Calls back after changes by any node. Answers a function that stops it. */
  onChange(callback: () => void): () => Promise<void>
}

export function createSigningKeyStore(database: Database): SigningKeyStore {
  return {
    list: () => list(database),
    listAlgorithmsInUse: (now) => listAlgorithmsInUse(database, now),

    async recordAlgorithmsInUse(algorithms, until) {
      await database.query(
        `insert into signing_algs_in_use as u (alg, in_use_until)
         select unnest($1::text[]), $2
         on conflict (alg) do update set in_use_until = greatest(u.in_use_until, excluded.in_use_until)`,
        [algorithms, until],
      )
    },

    async hasKeys() {
      const [row] = await database.query<{ found: boolean }>(
        'select exists (select from signing_keys) as found',
      )
      return row!.found
    },

    change: (work) =>
      database.transaction(async (transaction) => {
        await transaction.query(`select pg_advisory_xact_lock(hashtextextended('signing_keys', 0))`)
        return work(createChanges(transaction), transaction)
      }),

    onChange: (callback) => database.listen(channel, callback),
  }
}

function createChanges(transaction: Queryable): SigningKeyChanges {
  /** Compare-and-set: a key that is not in the expected state any more aborts the transaction. */
  async function changeOne(kid: string, text: string, values: readonly unknown[]): Promise<void> {
    const rows = await transaction.query(text, [kid, ...values])
    if (rows.length !== 1) throw new Error(`The signing key ${kid} was changed by something else.`)
    await transaction.query('select pg_notify($1, $2)', [channel, ''])
  }

  return {
    list: () => list(transaction),
    listAlgorithmsInUse: (now) => listAlgorithmsInUse(transaction, now),

    insert: (key) =>
      changeOne(
        key.kid,
        `insert into signing_keys (kid, alg, public_jwk, signer, handle, key_encryption_key_id,
           published_at, signs_from, activated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         returning kid`,
        [
          key.alg,
          JSON.stringify(key.publicJwk),
          key.signer,
          key.handle,
          key.keyEncryptionKeyId,
          key.publishedAt,
          key.signsFrom,
          key.activatedAt,
        ],
      ),

    async apply(change) {
      if (change.change === 'activate')
        await changeOne(
          change.kid,
          `update signing_keys set activated_at = $2
           where kid = $1 and activated_at is null and revoked_at is null
           returning kid`,
          [change.activatedAt],
        )
      else if (change.change === 'retire')
        await changeOne(
          change.kid,
          `update signing_keys set retired_at = $2, leaves_jwks_at = $3
           where kid = $1 and activated_at is not null and retired_at is null and revoked_at is null
           returning kid`,
          [change.retiredAt, change.leavesJwksAt],
        )
      else
        await changeOne(
          change.kid,
          `update signing_keys set revoked_at = $2, revocation_reason = $3
           where kid = $1 and revoked_at is null
           returning kid`,
          [change.revokedAt, change.reason],
        )
    },

    rewrap: (before, after) =>
      changeOne(
        before.kid,
        `update signing_keys set handle = $2, key_encryption_key_id = $3
         where kid = $1 and handle = $4
         returning kid`,
        [after.handle, after.keyEncryptionKeyId, before.handle],
      ),
  }
}

interface SigningKeyRow {
  kid: string
  alg: SigningAlg
  public_jwk: PublicJwk
  signer: string
  handle: string
  key_encryption_key_id: string | null
  published_at: Date
  signs_from: Date
  activated_at: Date | null
  retired_at: Date | null
  leaves_jwks_at: Date | null
  revoked_at: Date | null
  revocation_reason: string | null
}

async function listAlgorithmsInUse(database: Queryable, now: Date): Promise<SigningAlg[]> {
  const rows = await database.query<{ alg: SigningAlg }>(
    'select alg from signing_algs_in_use where in_use_until > $1',
    [now],
  )
  return rows.map(({ alg }) => alg)
}

async function list(database: Queryable): Promise<SigningKey[]> {
  const rows = await database.query<SigningKeyRow>(
    `select kid, alg, public_jwk, signer, handle, key_encryption_key_id, published_at, signs_from,
       activated_at, retired_at, leaves_jwks_at, revoked_at, revocation_reason
     from signing_keys
     order by published_at, kid`,
  )
  return rows.map((row) => ({
    kid: row.kid,
    alg: row.alg,
    publicJwk: row.public_jwk,
    signer: row.signer,
    handle: row.handle,
    keyEncryptionKeyId: row.key_encryption_key_id,
    publishedAt: row.published_at,
    signsFrom: row.signs_from,
    activatedAt: row.activated_at,
    retiredAt: row.retired_at,
    leavesJwksAt: row.leaves_jwks_at,
    revokedAt: row.revoked_at,
    revocationReason: row.revocation_reason,
  }))
}
