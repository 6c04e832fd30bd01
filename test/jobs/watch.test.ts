import t from 'tap'
import { DatabaseUnavailable } from '../../src/database/database.ts'
import { countFailures } from '../../src/jobs/count-failures.ts'
import { createWriteEventsJob } from '../../src/jobs/write-events.ts'
import { createMetrics } from '../../src/watch/metrics.ts'

function setUp({ fault, dropped = 0 }: { fault?: Error; dropped?: number } = {}) {
  const warnings: object[] = []
  const job = createWriteEventsJob({
    events: {
      async flush() {
        if (fault) throw fault
      },
      takeDropped: () => dropped,
    },
    log: { warn: (details) => warnings.push(details) },
  })
  return { job, warnings }
}

t.test('events are written every second, and drops are told', async (t) => {
  const quiet = setUp()
  await quiet.job.run()
  t.strictSame([quiet.job.intervalSeconds, quiet.warnings], [1, []])
  const full = setUp({ dropped: 3, fault: new DatabaseUnavailable('down') })
  await full.job.run()
  t.strictSame(full.warnings, [{ dropped: 3 }], 'an outage itself is for others to tell')
  const fault = new Error('no such table')
  const broken = setUp({ dropped: 2, fault })
  await t.rejects(broken.job.run(), fault)
  t.strictSame(broken.warnings, [{ dropped: 2 }])
})

t.test('failed turns of a job are counted, and still fail', async (t) => {
  const metrics = createMetrics()
  const fault = new Error('down')
  const counted = (run: () => Promise<void>) =>
    countFailures({ name: 'test', intervalSeconds: 1, run }, metrics)
  await counted(async () => {}).run()
  t.match(await metrics.text(), 'claviger_job_failures_total{job="test"} 0\n')
  await t.rejects(counted(() => Promise.reject(fault)).run(), fault)
  t.match(await metrics.text(), 'claviger_job_failures_total{job="test"} 1\n')
})
