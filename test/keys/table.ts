/** The signing_keys table in memory, with its lock, its constraints and its compare-and-set, for models of many nodes. */
import type { AuditEvent, AuditStore } from '../../src/audit/store.ts'
import type { Queryable } from '../../src/database/database.ts'
import { algorithms, toPublicJwk } from '../../src/keys/algorithms.ts'
import type { KeyChange } from '../../src/keys/plan.ts'
import type { Signer } from '../../src/keys/signer.ts'
import type { SigningKey, SigningKeyStore } from '../../src/keys/store.ts'
import type { SigningAlg } from '../../src/protocol/signing-algs.ts'
import { assertUnique } from './model.ts'

export interface Table {
  rows(): readonly SigningKey[]
  events: AuditEvent[]
  store: Omit<SigningKeyStore, 'onChange'>
  audit: Pick<AuditStore, 'record'>
  /** Whoever changes something next dies before the commit. */
  dieBeforeCommit(): void
}

const transaction: Queryable = {
  query: () => Promise.reject(new Error('There is no database here')),
}

export function createTable({ onCommit }: { onCommit: () => void }): Table {
  let rows: SigningKey[] = []
  const inUse = new Map<SigningAlg, Date>()
  let isDying = false
  let last: Promise<unknown> = Promise.resolve()
  const events: AuditEvent[] = []
  let recorded: AuditEvent[] = []

  async function change<T>(work: Parameters<SigningKeyStore['change']>[0]): Promise<T> {
    const draft = rows.map((row) => ({ ...row }))
    recorded = []
    const result = await work(
      {
        list: async () => draft.map((row) => ({ ...row })),
        listAlgorithmsInUse,
        insert: async (key) => {
          const unset = { retiredAt: null, leavesJwksAt: null, revokedAt: null }
          draft.push({ ...key, ...unset, revocationReason: null })
        },
        apply: async (one) => apply(draft, one),
        rewrap: () => Promise.reject(new Error('not in this model')),
      },
      transaction,
    )
    assertUnique(draft)
    if (isDying) {
      isDying = false
      throw new Error('killed before the commit')
    }
    rows = draft
    events.push(...recorded)
    onCommit()
    return result as T // what `work` answered
  }

  async function listAlgorithmsInUse(now: Date): Promise<SigningAlg[]> {
    return [...inUse].filter(([, until]) => until > now).map(([alg]) => alg)
  }

  return {
    rows: () => rows,
    events,
    dieBeforeCommit() {
      isDying = true
    },
    audit: { record: async (event) => void recorded.push(event) },
    store: {
      list: async () => rows.map((row) => ({ ...row })),
      hasKeys: async () => rows.length > 0,
      listAlgorithmsInUse,
      async recordAlgorithmsInUse(algorithms, until) {
        for (const alg of algorithms)
          inUse.set(alg, new Date(Math.max(until.getTime(), Number(inUse.get(alg) ?? 0))))
      },
      change<T>(work: Parameters<SigningKeyStore['change']>[0]): Promise<T> {
        const turn = last.then(() => change<T>(work))
        last = turn.catch(() => {})
        return turn
      },
    },
  }
}

function apply(draft: SigningKey[], change: Exclude<KeyChange, { change: 'publish' }>): void {
  const row = draft.find(({ kid }) => kid === change.kid)
  const fits =
    row &&
    !row.revokedAt &&
    (change.change !== 'activate' || !row.activatedAt) &&
    (change.change !== 'retire' || (row.activatedAt && !row.retiredAt))
  if (!fits) throw new Error(`The signing key ${change.kid} was changed by something else.`)
  const { change: kind, ...members } = change
  Object.assign(row, members, kind === 'revoke' && { revocationReason: change.reason })
}

/** Real keys, kept in memory for all nodes. */
export function createMemorySigner(): Signer {
  const keys = new Map<string, Parameters<(typeof algorithms)['ES256']['sign']>[1]>()
  return {
    name: 'memory',
    async generate(alg) {
      const { publicKey, privateKey } = await algorithms[alg].generate({ rsaKeyBits: 2048 })
      const handle = String(keys.size)
      keys.set(handle, privateKey)
      return { publicJwk: toPublicJwk(alg, publicKey), handle }
    },
    open: async ({ alg, handle }) => {
      const key = keys.get(handle)
      if (!key) throw new Error(`no key ${handle}`)
      return (data) => algorithms[alg].sign(data, key)
    },
  }
}
