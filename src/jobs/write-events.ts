/** Writes the watch's events every second, so that no request waits for them. */
import { DatabaseUnavailable } from '../database/database.ts'
import type { EventBuffer } from '../watch/event-buffer.ts'
import type { Job } from './job.ts'

export function createWriteEventsJob({
  events,
  log,
}: {
  events: Pick<EventBuffer, 'flush' | 'takeDropped'>
  log: { warn(details: { dropped: number }, message: string): void }
}): Job {
  return {
    name: 'write-events',
    intervalSeconds: 1,
    async run() {
      try {
        await events.flush()
      } catch (error) {
        // They wait for their next turn; that there is an outage others tell, less often.
        if (!(error instanceof DatabaseUnavailable)) throw error
      } finally {
        const dropped = events.takeDropped()
        if (dropped > 0) log.warn({ dropped }, 'events of the watch were dropped: no rows of them')
      }
    },
  }
}
