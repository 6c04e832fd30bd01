import { randomBytes, randomUUID } from 'node:crypto'
import * as fc from 'fast-check'
import t from 'tap'
import { createRefreshTokenFormat } from '../../src/tokens/refresh-token.ts'

const { format, parse } = createRefreshTokenFormat({ key: randomBytes(32) })
const grantId = randomUUID()

t.test('a token says which grant and which generation it is', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 1, max: 2 ** 31 - 1 }), (id, generation) => {
        const parsed = parse(format(id, generation))
        return parsed?.grantId === id && parsed.generation === generation
      }),
    ),
  )
})

t.test('a token is 70 base64url characters, always the same', async (t) => {
  t.match(format(grantId, 1), /^[\w-]{70}$/)
  t.equal(format(grantId, 1), format(grantId, 1))
  t.not(format(grantId, 1), format(grantId, 2))
})

t.test('a token with any single bit changed is refused', async (t) => {
  const bytes = Buffer.from(format(grantId, 7), 'base64url')
  const accepted = Array.from({ length: bytes.length * 8 }, (_, bit) => bit).filter((bit) => {
    const changed = Buffer.from(bytes)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    return parse(changed.toString('base64url')) !== undefined
  })
  t.strictSame(accepted, [])
  t.equal(bytes.length, 52)
})

t.test('a token of another key is refused', async (t) => {
  const other = createRefreshTokenFormat({ key: randomBytes(32) })
  t.equal(parse(other.format(grantId, 3)), undefined)
})

t.test('a token has one spelling only', async (t) => {
  const token = format(grantId, 1)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const sameBytes = alphabet
    .split('')
    .map((last) => token.slice(0, -1) + last)
    .filter((one) => Buffer.from(one, 'base64url').equals(Buffer.from(token, 'base64url')))
  t.equal(sameBytes.length, 16, 'four bits of the last character say nothing')
  t.strictSame(
    sameBytes.filter((one) => parse(one) !== undefined),
    [token],
  )
  const base64 = Buffer.from(token, 'base64url').toString('base64')
  for (const other of [base64, `${token}=`, `${token}==`, ` ${token}`, `${token}\n`, `${token}A`])
    t.equal(parse(other), undefined, JSON.stringify(other))
})

t.test('anything else is refused', async (t) => {
  for (const other of [
    '',
    'x',
    'a.b.c',
    format(grantId, 1).slice(4),
    'é'.repeat(70),
    'A'.repeat(70),
  ])
    t.equal(parse(other), undefined, other)
  t.doesNotThrow(() =>
    fc.assert(fc.property(fc.string({ maxLength: 100 }), (text) => parse(text) === undefined)),
  )
})
