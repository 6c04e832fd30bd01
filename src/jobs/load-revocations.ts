/** Keeps the revocation feed up to date, also where notifications are lost or not carried by a pooler. */
import { DatabaseUnavailable } from '../database/database.ts'
import type { RevocationFeed } from '../revocation/feed.ts'
import type { Job } from './job.ts'

export function createLoadRevocationsJob(feed: Pick<RevocationFeed, 'load'>): Job {
  let isCutOff = false
  return {
    name: 'load-revocations',
    intervalSeconds: 1,
    async run() {
      try {
        await feed.load()
        isCutOff = false
      } catch (error) {
        const isNews = !isCutOff
        isCutOff = error instanceof DatabaseUnavailable
        if (isNews || !isCutOff) throw error // an outage is one line in the log, not one a second
      }
    },
  }
}
