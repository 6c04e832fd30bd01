/**
 * Events on their way to the database. They wait in memory so that no request waits for them: a crash loses what came
 * since the last flush, about a second, and when the database is away for long the oldest are dropped.
 */
import { DatabaseUnavailable } from '../database/database.ts'
import type { EventRecord } from './events.ts'

export interface EventBuffer {
  add(event: EventRecord): void
  /** Writes what waits, in order. Throws when it could not; an outage keeps them waiting, any other fault drops them. */
  flush(): Promise<void>
  waiting(): number
  /** How many were dropped since this was last asked. */
  takeDropped(): number
}

const batchSize = 1000

export function createEventBuffer({
  write,
  onDrop,
  capacity = 20_000,
}: {
  write: (events: readonly EventRecord[]) => Promise<void>
  onDrop: (count: number) => void
  capacity?: number
}): EventBuffer {
  let waiting: EventRecord[] = []
  let writing: Promise<void> | undefined
  let dropped = 0

  function drop(count: number): void {
    dropped += count
    onDrop(count)
  }

  function keepWithinCapacity(): void {
    const excess = waiting.length - capacity
    if (excess <= 0) return
    waiting.splice(0, excess)
    drop(excess)
  }

  async function writeAll(): Promise<void> {
    try {
      while (waiting.length > 0) await writeBatch(waiting.splice(0, batchSize))
    } finally {
      writing = undefined // at once, so that nothing added from now on relies on this one
    }
  }

  async function writeBatch(batch: EventRecord[]): Promise<void> {
    try {
      await write(batch)
    } catch (error) {
      if (error instanceof DatabaseUnavailable) {
        waiting = [...batch, ...waiting]
        keepWithinCapacity()
      } else drop(batch.length)
      throw error
    }
  }

  return {
    add(event) {
      waiting.push(event)
      keepWithinCapacity()
    },
    async flush() {
      if (!writing && waiting.length > 0) writing = writeAll()
      await writing
    },
    waiting: () => waiting.length,
    takeDropped() {
      const count = dropped
      dropped = 0
      return count
    },
  }
}
