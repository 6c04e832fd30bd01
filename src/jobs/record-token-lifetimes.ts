/** Keeps known how long tokens are issued for, so that revocations outlive them. */
import { recordIntervalSeconds, type TokenLifetimes } from '../revocation/token-lifetimes.ts'
import type { Job } from './job.ts'

export function createRecordTokenLifetimesJob(lifetimes: Pick<TokenLifetimes, 'record'>): Job {
  return {
    name: 'record-token-lifetimes',
    intervalSeconds: recordIntervalSeconds,
    run: () => lifetimes.record(),
  }
}
