import t from 'tap'
import { createVerifiedTokens } from '../../src/verifier/verified-tokens.ts'

t.test('what was seen longest ago is forgotten first', async (t) => {
  const tokens = createVerifiedTokens<number>(2)
  tokens.add('a', 1)
  tokens.add('b', 2)
  t.equal(tokens.find('a'), 1)
  tokens.add('c', 3)
  t.equal(tokens.size(), 2)
  t.equal(tokens.find('b'), undefined)
  t.equal(tokens.find('a'), 1)
  t.equal(tokens.find('c'), 3)

  tokens.add('a', 4)
  t.equal(tokens.size(), 2)
  t.equal(tokens.find('a'), 4)
  tokens.clear()
  t.equal(tokens.size(), 0)
  t.equal(tokens.find('a'), undefined)
})

t.test('of a capacity of none nothing is remembered', async (t) => {
  const tokens = createVerifiedTokens<number>(0)
  tokens.add('a', 1)
  t.equal(tokens.size(), 0)
})
