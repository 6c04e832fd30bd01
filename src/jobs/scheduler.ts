/** Runs every job again and again, each after its interval and never twice at the same time. */
import type { Job } from './job.ts'

export interface Scheduler {
  start(): void
  /** No job starts any more; resolves when those that run have ended. */
  stop(): Promise<void>
}

export interface SchedulerLog {
  error(details: { err: unknown; job: string }, message: string): void
}

/** Calls `callback` once after `milliseconds`; answers what cancels it. */
export type SetTimer = (callback: () => void, milliseconds: number) => () => void

export function createScheduler({
  jobs,
  log,
  random,
  setTimer = setUnrefTimer,
}: {
  jobs: readonly Job[]
  log: SchedulerLog
  /** From 0 up to 1. */
  random: () => number
  setTimer?: SetTimer
}): Scheduler {
  const cancels = new Map<Job, () => void>()
  const running = new Map<Job, Promise<void>>()
  let isStarted = false

  function schedule(job: Job): void {
    // Nodes that were started together shall not all work at the same instant.
    const jitter = 0.9 + 0.2 * random()
    cancels.set(
      job,
      setTimer(() => begin(job), Math.round(job.intervalSeconds * 1000 * jitter)),
    )
  }

  function begin(job: Job): void {
    cancels.delete(job)
    running.set(job, work(job))
  }

  async function work(job: Job): Promise<void> {
    try {
      await job.run()
    } catch (err) {
      log.error({ err, job: job.name }, 'a background job failed; it runs again at its next turn')
    }
    running.delete(job)
    if (isStarted) schedule(job)
  }

  return {
    start() {
      if (isStarted) return
      isStarted = true
      for (const job of jobs) schedule(job)
    },
    async stop() {
      isStarted = false
      for (const cancel of cancels.values()) cancel()
      cancels.clear()
      await Promise.all([...running.values(), ...jobs.map((job) => job.stop?.())])
    },
  }
}

function setUnrefTimer(callback: () => void, milliseconds: number): () => void {
  const timer = setTimeout(callback, milliseconds).unref()
  return () => clearTimeout(timer)
}
