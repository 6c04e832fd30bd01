import t from 'tap'
import { createProofMemory } from '../../src/verifier/proof-memory.ts'

function createMemory(maxProofs: number) {
  const clock = { milliseconds: 1_000_000 }
  const consume = createProofMemory({ now: () => clock.milliseconds, maxProofs })
  return { consume, clock }
}

t.test('a proof counts once for as long as it could be accepted (RFC 9449 §11.1)', async (t) => {
  const { consume, clock } = createMemory(10)
  t.equal(consume('a', 1060), true)
  t.equal(consume('a', 1060), false)
  t.equal(consume('b', 1060), true)
  clock.milliseconds = 1_060_999
  t.equal(consume('a', 1060), false, 'in its last second')
  t.equal(consume('c', 1120), true)
})

t.test('what can no longer be accepted makes room', async (t) => {
  const { consume, clock } = createMemory(2)
  for (let second = 1000; second < 1100; second += 1) {
    clock.milliseconds = second * 1000
    t.equal(consume(`a${second}`, second + 1), true)
  }
})

t.test(
  'when it is full it refuses what is as old as what it forgot, never takes a replay',
  async (t) => {
    const { consume } = createMemory(3)
    t.equal(consume('old', 1050), true)
    t.equal(consume('b', 1055), true)
    t.equal(consume('c', 1055), true)
    t.equal(consume('d', 1060), true, 'the oldest is forgotten for it')
    t.equal(consume('old', 1050), false, 'and still does not count again')
    t.equal(consume('another of that age', 1050), false)
    t.equal(consume('b', 1055), false, 'what is remembered is refused as a replay')
    t.equal(consume('e', 1060), true)
  },
)

t.test('a fraction of a second makes no gap', async (t) => {
  const { consume, clock } = createMemory(10)
  t.equal(consume('a', 1000.4), true)
  clock.milliseconds = 1_000_300
  t.equal(consume('a', 1000.4), false)
})
