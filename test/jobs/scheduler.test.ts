import t from 'tap'
import type { Job } from '../../src/jobs/job.ts'
import { createScheduler } from '../../src/jobs/scheduler.ts'

interface Timer {
  milliseconds: number
  fire(): void
}

/** Timers that only fire when the test says so; in the order they were set, without the cancelled ones. */
function createTestTimers() {
  const pending = new Set<Timer>()
  return {
    setTimer(callback: () => void, milliseconds: number) {
      const timer = {
        milliseconds,
        fire() {
          pending.delete(timer)
          callback()
        },
      }
      pending.add(timer)
      return () => pending.delete(timer)
    },
    delays: () => [...pending].map(({ milliseconds }) => milliseconds),
    fire: () => [...pending][0]!.fire(),
  }
}

/** A job whose runs end when the test says so. */
function createTestJob() {
  const runs: PromiseWithResolvers<void>[] = []
  const job: Job = {
    name: 'test',
    intervalSeconds: 100,
    run() {
      const run = withResolvers()
      runs.push(run)
      return run.promise
    },
  }
  return { job, runs }
}

interface PromiseWithResolvers<T> {
  promise: Promise<T>
  resolve: (value: T) => void
  reject: (reason: unknown) => void
}

function withResolvers(): PromiseWithResolvers<void> {
  let [resolve, reject]: [() => void, (reason: unknown) => void] = [() => {}, () => {}]
  const promise = new Promise<void>((...settle) => ([resolve, reject] = settle))
  return { promise, resolve, reject }
}

/** Lets everything that waits only for promises go on. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

const silent = { error: () => {} }

t.test('a job runs after its interval, give or take a tenth, and then again', async (t) => {
  const timers = createTestTimers()
  const { job, runs } = createTestJob()
  const chances = [0, 0.5, 1]
  const random = () => chances.shift()!
  const scheduler = createScheduler({ jobs: [job], log: silent, random, ...timers })

  scheduler.start()
  t.equal(runs.length, 0)
  for (const [run, delay] of [90_000, 100_000, 110_000].entries()) {
    t.strictSame(timers.delays(), [delay])
    if (run === 2) break
    timers.fire()
    runs[run]!.resolve()
    await settle()
  }
})

t.test('a job never overlaps itself, and jobs do not wait for each other', async (t) => {
  const timers = createTestTimers()
  const [slow, other] = [createTestJob(), createTestJob()]
  const scheduler = createScheduler({
    jobs: [slow.job, other.job],
    log: silent,
    random: () => 0.5,
    ...timers,
  })

  scheduler.start()
  timers.fire()
  timers.fire()
  t.strictSame([slow.runs.length, other.runs.length], [1, 1])
  other.runs[0]!.resolve()
  await settle()
  t.strictSame(timers.delays(), [100_000], 'only the other has a next turn')
  slow.runs[0]!.resolve()
  await settle()
  t.strictSame(timers.delays(), [100_000, 100_000])
})

t.test('a job that fails is logged and runs again', async (t) => {
  const timers = createTestTimers()
  const { job, runs } = createTestJob()
  const logged: unknown[] = []
  const log = { error: (details: object) => logged.push(details) }
  const scheduler = createScheduler({ jobs: [job], log, random: () => 0.5, ...timers })

  scheduler.start()
  timers.fire()
  const err = new Error('down')
  runs[0]!.reject(err)
  await settle()
  t.strictSame(logged, [{ err, job: 'test' }])
  t.strictSame(timers.delays(), [100_000])
})

t.test('stopping waits for what runs and starts nothing more', async (t) => {
  const timers = createTestTimers()
  const [running, waiting] = [createTestJob(), createTestJob()]
  const scheduler = createScheduler({
    jobs: [running.job, waiting.job],
    log: silent,
    random: () => 0.5,
    ...timers,
  })

  scheduler.start()
  timers.fire()
  let hasStopped = false
  const stopped = scheduler.stop().then(() => (hasStopped = true))
  await settle()
  t.equal(hasStopped, false)
  t.strictSame(timers.delays(), [])
  running.runs[0]!.resolve()
  await stopped
  t.strictSame(timers.delays(), [])
  t.equal(waiting.runs.length, 0)
})

t.test('its own timers do not keep the process alive', async (t) => {
  const { job } = createTestJob()
  const before = activeTimers()
  const scheduler = createScheduler({ jobs: [job], log: silent, random: () => 0.5 })
  scheduler.start()
  t.equal(activeTimers(), before)
  await scheduler.stop()
})

/** Only referenced timers are listed. */
function activeTimers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
}

t.test('a job that would go on for long is told to stop, and waited for', async (t) => {
  const { job, runs } = createTestJob()
  const last = withResolvers()
  const stop = () => {
    runs[0]?.resolve()
    return last.promise
  }
  const timers = createTestTimers()
  const scheduler = createScheduler({
    jobs: [{ ...job, stop }],
    log: silent,
    random: () => 0.5,
    setTimer: timers.setTimer,
  })
  scheduler.start()
  timers.fire()
  let hasStopped = false
  const stopped = scheduler.stop().then(() => (hasStopped = true))
  await settle()
  t.notOk(hasStopped)
  last.resolve()
  await stopped
})
