import { assert, asyncProperty, array, constantFrom } from 'fast-check'
import t from 'tap'
import { createCache } from '../../src/clients/cache.ts'
import { createTestClock } from '../support/clock.ts'

function setUp(cacheSize = 10) {
  const rows = new Map<string, { version: number }>()
  const loads: string[] = []
  const clock = createTestClock()
  let gate: Promise<void> = Promise.resolve()
  const cache = createCache({
    load: async (key) => {
      loads.push(key)
      const row = rows.get(key) // as it was when the statement ran
      await gate
      return row
    },
    clock,
    cacheSize,
  })
  /** Lets loads read at once, and answer only when the function that comes out is called. */
  function hold() {
    let release: (() => void) | undefined
    gate = new Promise((resolve) => {
      release = resolve
    })
    return () => release?.()
  }
  return { rows, loads, clock, cache, hold }
}

t.test('a value is loaded once, also when many ask at the same time', async (t) => {
  const { rows, loads, cache } = setUp()
  rows.set('a', { version: 1 })
  const found = await Promise.all(Array.from({ length: 50 }, () => cache.find('a')))
  t.ok(found.every((value) => value?.version === 1))
  await cache.find('a')
  t.same(loads, ['a'])
})

t.test(
  'it is loaded anew after an invalidation of its key, of all, or after 30 seconds',
  async (t) => {
    const { rows, loads, clock, cache } = setUp()
    const forget = [
      () => cache.invalidate('a'),
      () => cache.invalidate(),
      () => cache.invalidate(''),
      () => clock.advance(31),
    ]
    for (const [version, act] of forget.entries()) {
      rows.set('a', { version })
      act()
      t.equal((await cache.find('a'))?.version, version)
    }
    cache.invalidate('b')
    clock.advance(29)
    await cache.find('a')
    t.equal(loads.length, forget.length)
  },
)

t.test(
  'an unknown key is remembered for a few seconds, and pushes out nothing known',
  async (t) => {
    const { rows, loads, clock, cache } = setUp(2)
    rows.set('a', { version: 1 })
    await cache.find('a')
    for (let guess = 0; guess < 20; guess++) await cache.find(`guess ${guess}`)
    loads.length = 0
    await cache.find('a')
    t.equal(await cache.find('guess 19'), undefined)
    t.same(loads, [])
    rows.set('guess 19', { version: 1 })
    clock.advance(6)
    t.same(await cache.find('guess 19'), { version: 1 })
  },
)

t.test('what was read before an invalidation is not remembered after it', async (t) => {
  const { rows, cache, hold } = setUp()
  rows.set('a', { version: 1 })
  const release = hold()
  const before = cache.find('a')
  rows.set('a', { version: 2 })
  cache.invalidate('a')
  release()
  t.equal((await before)?.version, 1)
  t.equal((await cache.find('a'))?.version, 2)
})

t.test('who asks after an invalidation does not wait for what was asked before it', async (t) => {
  const { rows, loads, cache, hold } = setUp()
  rows.set('a', { version: 1 })
  const release = hold()
  const before = cache.find('a')
  rows.set('a', { version: 2 })
  cache.invalidate()
  const after = cache.find('a')
  release()
  t.equal((await before)?.version, 1)
  t.equal((await after)?.version, 2)
  t.equal((await cache.find('a'))?.version, 2)
  t.same(loads, ['a', 'a'])
})

t.test('a failed load is told to all who waited, and tried again by the next', async (t) => {
  let attempts = 0
  const cache = createCache({
    load: async () => {
      attempts++
      if (attempts === 1) throw new Error('the database is down')
      return { version: 1 }
    },
    clock: createTestClock(),
    cacheSize: 1,
  })
  const [one, other] = await Promise.allSettled([cache.find('a'), cache.find('a')])
  t.equal(one?.status, 'rejected')
  t.equal(other?.status, 'rejected')
  t.same(await cache.find('a'), { version: 1 })
  t.equal(attempts, 2)
})

t.test('whatever the order of writes and reads, a read after a told write sees it', async () => {
  const step = constantFrom('write a', 'write b', 'remove a', 'find a', 'find b', 'wait')
  await assert(
    asyncProperty(array(step, { maxLength: 30 }), async (steps) => {
      const { rows, clock, cache } = setUp(1)
      for (const [version, one] of steps.entries()) {
        const [act, key = ''] = one.split(' ')
        if (act === 'write') rows.set(key, { version })
        if (act === 'remove') rows.delete(key)
        if (act === 'wait') clock.advance(4)
        else if (act === 'find') {
          const found = await cache.find(key)
          if (found !== rows.get(key)) return false
        } else cache.invalidate(key)
      }
      return true
    }),
  )
})
