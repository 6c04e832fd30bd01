/** Follows the database's clock, so that a drift of this node's own does no harm. */
import type { DatabaseClock } from '../database/clock.ts'
import type { Job } from './job.ts'

export function createSynchronizeClockJob(clock: Pick<DatabaseClock, 'synchronize'>): Job {
  return { name: 'synchronize-clock', intervalSeconds: 10, run: () => clock.synchronize() }
}
