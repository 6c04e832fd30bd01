import t from 'tap'
import { createRemoteDocument } from '../../src/verifier/remote-document.ts'
import { createTestClock } from './test-issuer.ts'

/** Each load waits until the test settles it. */
function setUp({ staleSeconds = 1000 } = {}) {
  const clock = createTestClock()
  const loads: { resolve(content: string): void; reject(error: unknown): void }[] = []
  const failures: string[] = []
  const document = createRemoteDocument<string>({
    load: () =>
      new Promise((resolve, reject) => {
        loads.push({ resolve: (content) => resolve({ content, maxAgeSeconds: 100 }), reject })
      }),
    ...clock,
    staleSeconds,
    onFailure: ({ message }) => failures.push(message),
  })
  async function hold(content: string): Promise<void> {
    const getting = document.get()
    loads.at(-1)!.resolve(content)
    await getting
  }
  async function fail(): Promise<void> {
    const refetching = document.refetch()
    loads.at(-1)!.reject(new Error('planted'))
    await refetching
  }
  return { clock, document, loads, failures, hold, fail }
}

const settled = () => new Promise(setImmediate)
const reasonOf = (promise: unknown) =>
  Promise.resolve(promise).then(
    () => 'none',
    (error: unknown) => (error as Error).message,
  )

t.test('however many ask, one request is made', async (t) => {
  const { document, loads } = setUp()
  t.equal(document.held(), undefined)
  const asked = Array.from({ length: 100 }, async () => document.get())
  const refetched = document.refetch()
  t.equal(loads.length, 1)
  loads[0]!.resolve('A')
  t.strictSame(new Set(await Promise.all(asked)), new Set(['A']))
  t.equal(await refetched, true)
  t.equal(document.get(), 'A', 'at once from now on')
  t.equal(loads.length, 1)
})

t.test('it is fetched anew before its time is over, and nobody waits', async (t) => {
  const { clock, document, loads, hold } = setUp()
  await hold('A')
  clock.advance(74)
  t.equal(document.get(), 'A')
  t.equal(loads.length, 1)
  clock.advance(1)
  t.equal(await document.get(), 'A')
  t.equal(await document.get(), 'A')
  t.equal(loads.length, 2, 'in the background')
  loads[1]!.resolve('B')
  await settled()
  t.equal(document.get(), 'B')
  t.match(document.held(), { content: 'B', ageMilliseconds: 0, isStale: false })
})

t.test('its age counts from when it was asked for', async (t) => {
  const { clock, document, loads } = setUp()
  const getting = document.get()
  clock.advance(30)
  loads[0]!.resolve('A')
  await getting
  t.equal(document.held()?.ageMilliseconds, 30_000)
})

t.test('once its time is over, whoever asks waits for the new one', async (t) => {
  const { clock, document, loads, hold } = setUp()
  await hold('A')
  clock.advance(100)
  const getting = document.get()
  t.equal(document.held()?.isStale, true)
  loads[1]!.resolve('B')
  t.equal(await getting, 'B')
})

t.test('a wall clock that says more passed than the monotonic one is believed', async (t) => {
  const { clock, document, loads, hold } = setUp()
  await hold('A')
  clock.setWall(clock.seconds() + 100)
  const getting = document.get()
  t.equal(loads.length, 2)
  loads[1]!.resolve('B')
  t.equal(await getting, 'B')
  clock.setWall(clock.seconds() - 1000)
  t.equal(document.get(), 'B', 'one that says less is not')
  clock.advance(100)
  t.equal(document.held()?.isStale, true)
})

t.test('while it cannot be fetched it serves on, and only the first waits', async (t) => {
  const { clock, document, loads, failures, hold } = setUp()
  await hold('A')
  clock.advance(100)
  const first = document.get()
  loads[1]!.reject(new Error('planted'))
  t.equal(await first, 'A')
  t.strictSame(failures, ['planted'])
  t.equal(document.failure()?.message, 'planted')

  t.equal(await document.get(), 'A')
  t.equal(loads.length, 2, 'no attempt follows at once')
  clock.advance(1)
  t.equal(await document.get(), 'A', 'the next attempt is under way')
  t.equal(loads.length, 3)
  loads[2]!.resolve('B')
  await settled()
  t.equal(document.get(), 'B')
  t.equal(document.failure(), undefined)
})

t.test('it serves on no longer than is allowed', async (t) => {
  const { clock, document, hold, fail } = setUp({ staleSeconds: 500 })
  await hold('A')
  clock.advance(499)
  await fail()
  t.equal(await document.get(), 'A')
  clock.advance(1)
  const getting = document.get()
  await fail()
  t.equal(await reasonOf(getting), 'planted')
})

t.test('where none may serve on, its own time counts all the same', async (t) => {
  const { clock, document, hold, fail } = setUp({ staleSeconds: 0 })
  await hold('A')
  clock.advance(99)
  await fail()
  t.equal(await document.get(), 'A')
  clock.advance(0.9)
  t.equal(await document.get(), 'A')
  clock.advance(0.1)
  const getting = document.get()
  await fail()
  t.equal(await reasonOf(getting), 'planted')
})

t.test('attempts that fail come at ever longer distances, of ten seconds at most', async (t) => {
  const { clock, document, loads, fail } = setUp()
  await fail()
  for (const seconds of [1, 2, 4, 8, 10, 10]) {
    const before = loads.length
    clock.advance(seconds - 0.001)
    t.equal(await document.refetch(), false)
    t.equal(await reasonOf(document.get()), 'planted', 'at once')
    t.equal(loads.length, before)
    clock.advance(0.001)
    await fail()
    t.equal(loads.length, before + 1)
  }
})

t.test('what is thrown that is no error is told as one', async (t) => {
  const { document, loads } = setUp()
  const getting = document.get()
  loads[0]!.reject('planted')
  t.equal(await reasonOf(getting), 'planted')
})
