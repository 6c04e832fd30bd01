/** What befalls the nodes while their keys rotate. Each lasts until all signing keys have changed, so none is missed. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Queryable } from '../../../src/database/database.ts'
import type { RunCommand } from './command.ts'
import { isNext, isSigning, type KeyWatch } from './key-watch.ts'
import type { SoakNode } from './node.ts'
import { windows } from './windows.ts'

export interface Surroundings {
  nodes: readonly SoakNode[]
  watch: KeyWatch
  database: Queryable
  runCommand: RunCommand
  /** How often each has happened. */
  count(what: Happening): void
}

const { publicationLeadSeconds: lead, rotationIntervalSeconds: rotationInterval } = windows

export type Happening = 'kill' | 'listener cut' | 'rotated by command' | 'command refused'

/** At the instant when a rotation is due, so that it may be in the middle of it; back after others have rotated. */
export async function killOne({ watch, count }: Surroundings, node: SoakNode): Promise<void> {
  await watch.until('a rotation is due', ({ keys, now }) =>
    keys.some((key) => isSigning(key) && secondsSince(key.activated_at, now) >= rotationInterval),
  )
  await node.kill()
  count('kill')
  await watch.untilRotated()
  await node.start()
}

/** As often as the nodes listen again. */
export async function cutListeners({ watch, database, count }: Surroundings): Promise<void> {
  const rotated = new AbortController()
  async function cut(): Promise<void> {
    while (!rotated.signal.aborted) {
      const ended = await database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and query ilike 'listen %'`,
      )
      for (const _ of ended) count('listener cut')
      await delay(20)
    }
  }
  const cutting = cut()
  await watch.untilRotated().finally(() => rotated.abort())
  await cutting
}

/** `claviger keys rotate`: once too early, and once as soon as it may but the nodes would not yet. */
export async function rotateByCommand(surroundings: Surroundings): Promise<void> {
  const { watch } = surroundings
  await rotate(surroundings)
  await watch.until('a next key may sign', ({ keys, now }) =>
    keys.some((key) => isNext(key) && secondsSince(key.published_at, now) >= lead),
  )
  await rotate(surroundings)
}

async function rotate({ runCommand, count }: Surroundings): Promise<void> {
  const { code, stderr } = await runCommand(['keys', 'rotate'])
  if (code === 0) count('rotated by command')
  else if (code === 1 && /too early/i.test(stderr)) count('command refused')
  else throw new Error(`claviger keys rotate ended with ${code}: ${stderr}`)
}

function secondsSince(instant: Date | null, now: Date): number {
  return instant ? (now.getTime() - instant.getTime()) / 1000 : -Infinity
}
