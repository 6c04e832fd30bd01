import t from 'tap'
import { DatabaseUnavailable } from '../../src/database/database.ts'
import { createLoadRevocationsJob } from '../../src/jobs/load-revocations.ts'

t.test('an outage is reported once, and so is the next; a fault each time', async (t) => {
  let error: Error | undefined
  const job = createLoadRevocationsJob({
    async load() {
      if (error) throw error
    },
  })
  const outage = new DatabaseUnavailable(undefined)
  const fault = new Error('a fault')
  const outcomes: unknown[] = []
  for (const next of [undefined, outage, outage, outage, fault, fault, outage, undefined, outage]) {
    error = next
    outcomes.push(await job.run().catch((thrown: unknown) => thrown))
  }
  t.strictSame(outcomes, [
    undefined,
    outage,
    undefined,
    undefined,
    fault,
    fault,
    outage,
    undefined,
    outage,
  ])
})
