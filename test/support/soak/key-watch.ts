/** Looks at the table of signing keys again and again, for what must hold of it at any time. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Queryable } from '../../../src/database/database.ts'
import { algs, windows, type Alg } from './windows.ts'

export interface KeyRow {
  kid: string
  alg: Alg
  published_at: Date
  activated_at: Date | null
  retired_at: Date | null
  leaves_jwks_at: Date | null
  revoked_at: Date | null
}

/** The keys at one instant of the database's clock. */
export interface Look {
  now: Date
  keys: readonly KeyRow[]
}

export interface KeyWatch {
  /** Resolves with the first look of which it holds; throws when the patience ends before. */
  until(what: string, holds: (look: Look) => boolean): Promise<Look>
  /** The next look. */
  look(): Promise<Look>
  /** Resolves when the signing key of every algorithm has changed. */
  untilRotated(): Promise<void>
  /** How often the signing key of each algorithm has changed. */
  rotations(): Record<Alg, number>
  /** All keys ever seen, by kid, as they were last seen. */
  keys: ReadonlyMap<string, KeyRow>
  looks(): number
  /** What should not have been, in words. */
  faults: ReadonlySet<string>
  stop(): Promise<void>
}

const pauseMilliseconds = 40

export function watchKeys(database: Queryable, patience: AbortSignal): KeyWatch {
  const keys = new Map<string, KeyRow>()
  const faults = new Set<string>()
  const listeners = new Set<(look: Look) => void>()
  const stopping = new AbortController()
  let looks = 0
  const running = run()

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const look = await lookAt(database)
      looks += 1
      for (const key of look.keys) keys.set(key.kid, key)
      for (const fault of findFaults(look)) faults.add(fault)
      for (const listener of listeners) listener(look)
      await delay(pauseMilliseconds)
    }
  }

  function until(what: string, holds: (look: Look) => boolean): Promise<Look> {
    const held = new Promise<Look>((resolve, reject) => {
      const listener = (look: Look) => {
        if (holds(look)) resolve(look)
        else if (patience.aborted) reject(outOfPatience(what))
        else return
        listeners.delete(listener)
      }
      listeners.add(listener)
    })
    const ended = running.then(() => {
      throw new Error(`The watch ended before ${what}`)
    })
    return Promise.race([held, ended])
  }

  function outOfPatience(what: string): Error {
    return new Error([`Waited in vain until ${what}`, ...faults].join('\n'))
  }

  const rotationsOf = (alg: Alg) =>
    [...keys.values()].filter((key) => key.alg === alg && key.retired_at).length
  const rotations = () => ({ RS256: rotationsOf('RS256'), ES256: rotationsOf('ES256') })

  return {
    keys,
    faults,
    looks: () => looks,
    until,
    look: () => until('there is another look', () => true),
    rotations,
    async untilRotated() {
      const before = rotations()
      await until('all signing keys have changed', () =>
        algs.every((alg) => rotationsOf(alg) > before[alg]),
      )
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}

async function lookAt(database: Queryable): Promise<Look> {
  const rows = await database.query<KeyRow & { now: Date }>(
    `select clock_timestamp() as now, kid, alg, published_at, activated_at, retired_at, leaves_jwks_at, revoked_at
     from signing_keys
     order by published_at`,
  )
  return { now: rows[0]!.now, keys: rows }
}

export const isSigning = (key: KeyRow) => key.activated_at && !key.retired_at && !key.revoked_at
export const isNext = (key: KeyRow) => !key.activated_at && !key.revoked_at

/** From when a key may sign; the very first key of an algorithm at once. */
export function maySignFrom(key: KeyRow, keys: Iterable<KeyRow>): Date {
  const isFirst = ![...keys].some(
    ({ alg, published_at }) => alg === key.alg && published_at < key.published_at,
  )
  const lead = isFirst ? 0 : windows.publicationLeadSeconds * 1000
  return new Date(key.published_at.getTime() + lead)
}

function findFaults({ now, keys }: Look): string[] {
  const counts = algs.flatMap((alg) => {
    const own = keys.filter((key) => key.alg === alg)
    const [signing, next] = [own.filter(isSigning).length, own.filter(isNext).length]
    return signing === 1 && next === 1 ? [] : [`${alg}: ${signing} keys sign, ${next} are next`]
  })
  const tooEarly = keys
    .filter((key) => key.activated_at && key.activated_at < maySignFrom(key, keys))
    .map(({ kid }) => `${kid} was activated before its publication lead was over`)
  const future = keys
    .filter((key) =>
      [key.published_at, key.activated_at, key.retired_at].some((at) => at && at > now),
    )
    .map(({ kid }) => `${kid} has an instant in the future`)
  return [...counts, ...tooEarly, ...future]
}
