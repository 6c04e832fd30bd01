/** Counts the failed turns of a job; whoever runs it still hears of them. */
import type { Metrics } from '../watch/metrics.ts'
import type { Job } from './job.ts'

export function countFailures(job: Job, { jobFailures }: Pick<Metrics, 'jobFailures'>): Job {
  jobFailures.inc({ job: job.name }, 0)
  return {
    ...job,
    async run() {
      try {
        await job.run()
      } catch (error) {
        jobFailures.inc({ job: job.name })
        throw error
      }
    },
  }
}
