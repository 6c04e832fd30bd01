import { randomInt } from 'node:crypto'
import t from 'tap'
import { createUserCode, formatUserCode, parseUserCode } from '../../src/protocol/user-code.ts'

t.test('a user code is eight consonants, of all that there are (RFC 8628 §6.1)', async (t) => {
  const codes = Array.from({ length: 200 }, () => createUserCode(randomInt))
  for (const code of codes) t.match(code, /^[BCDFGHJKLMNPQRSTVWXZ]{8}$/)
  t.equal(new Set(codes.join('')).size, 20)
  t.equal(new Set(codes).size, 200)
})

t.test('it is shown in two halves, and typed in any way', async (t) => {
  t.equal(formatUserCode('WDJBMJHT'), 'WDJB-MJHT')
  for (const typed of ['WDJB-MJHT', 'wdjbmjht', ' wdjb – mjht\n', 'W.D.J.B.M.J.H.T', 'WDJB_MJHT'])
    t.equal(parseUserCode(typed), 'WDJBMJHT', typed)
})

t.test('what cannot be a code is none', async (t) => {
  const long = 'WDJB-MJHT'.padEnd(65, '-')
  for (const typed of ['', 'WDJB-MJH', 'WDJB-MJHTT', 'WDJA-MJHT', 'WDJB-MJH1', 'ẂDJBMJHT', long])
    t.equal(parseUserCode(typed), undefined, typed)
})
