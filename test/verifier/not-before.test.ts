import * as fc from 'fast-check'
import t from 'tap'
import {
  effectiveNotBefore,
  exchangedFrom,
  isRevoked,
  notBeforeOf,
  revocationSubjects,
  type NotBefore,
  type RevocationKind,
  type TokenOrigin,
  type TokenParts,
} from '../../src/verifier/not-before.ts'

const token: Required<Omit<TokenOrigin, 'exchanged_from'>> = {
  iat: 1000,
  kid: 'K',
  client_id: 'C',
  sub: 'U',
  sid: 'S',
  grant_id: 'G',
  jti: 'J',
}
const ids: Record<RevocationKind, string> = {
  everything: '',
  key: 'K',
  client: 'C',
  user: 'U',
  session: 'S',
  grant: 'G',
  token: 'J',
}
const kinds = Object.keys(ids) as RevocationKind[]

t.test(
  'a token is refused if it was issued before the not-before of anything it belongs to',
  async (t) => {
    for (const kind of kinds) {
      const record = { kind, id: ids[kind] }
      t.equal(isRevoked(token, [{ ...record, notBefore: 1001 }]), true, `${kind}: a second earlier`)
      t.equal(isRevoked(token, [{ ...record, notBefore: 1000 }]), false, `${kind}: in that second`)
      t.equal(isRevoked(token, [{ ...record, notBefore: 999 }]), false, `${kind}: later`)
    }
  },
)

t.test('an exchanged token is refused with anything that it was exchanged for', async (t) => {
  const { iat, ...parts } = token
  const origin = { iat, sub: 'other', exchanged_from: [{ client_id: 'D' }, parts] }
  for (const kind of kinds)
    for (const notBefore of [1001, 1000])
      t.equal(isRevoked(origin, [{ kind, id: ids[kind], notBefore }]), notBefore > iat, kind)
  t.equal(isRevoked(origin, [{ kind: 'client', id: 'D', notBefore: 1001 }]), true)
  t.equal(isRevoked(origin, [{ kind: 'client', id: 'E', notBefore: 1001 }]), false)
})

t.test('what it was exchanged for is read as its claim says, whoever wrote that', async (t) => {
  t.equal(exchangedFrom(undefined), undefined)
  t.equal(exchangedFrom('x'), undefined)
  t.strictSame(
    exchangedFrom([{ kid: 'K', client_id: 7, other: 'x' }, 'x', null, [], { jti: 'J' }]),
    [{ kid: 'K' }, { jti: 'J' }],
  )
})

t.test('only what it belongs to matters', async (t) => {
  const rows: [why: string, origin: TokenOrigin, record: NotBefore][] = [
    ['another user', token, { kind: 'user', id: 'V', notBefore: 2000 }],
    ["a client that has the user's name", token, { kind: 'client', id: 'U', notBefore: 2000 }],
    ['a kind with the name of everything', token, { kind: 'user', id: '', notBefore: 2000 }],
    ['everything with a name', token, { kind: 'everything', id: 'U', notBefore: 2000 }],
    [
      'a token without a session',
      { iat: 1000, sub: 'U' },
      { kind: 'session', id: 'S', notBefore: 2000 },
    ],
    ['the word undefined', { iat: 1000 }, { kind: 'user', id: 'undefined', notBefore: 2000 }],
    ['a colon in the id', { iat: 1000, sub: 'a' }, { kind: 'user', id: 'a:b', notBefore: 2000 }],
  ]
  for (const [why, origin, record] of rows) t.equal(isRevoked(origin, [record]), false, why)
  t.equal(isRevoked(token, []), false, 'no record at all')
  t.equal(effectiveNotBefore(token, []), undefined)
})

t.test('a token that does not say when it was issued is refused by any record', async (t) => {
  for (const iat of [Number.NaN, undefined as unknown as number]) {
    t.equal(isRevoked({ iat, sub: 'U' }, [{ kind: 'user', id: 'U', notBefore: 0 }]), true)
    t.equal(isRevoked({ iat, sub: 'U' }, []), false)
  }
})

t.test('the subjects of a token are everything and what it names', async (t) => {
  t.strictSame(
    revocationSubjects(token),
    kinds.map((kind) => ({ kind, id: ids[kind] })),
  )
  t.strictSame(revocationSubjects({ iat: 1, sub: 'U' }), [
    { kind: 'everything', id: '' },
    { kind: 'user', id: 'U' },
  ])
})

const seconds = fc.integer({ min: 0, max: 20 })
const id = fc.constantFrom('', 'a', 'b', 'user', 'a:b')
const parts = { kid: id, client_id: id, sub: id, sid: id, grant_id: id, jti: id }
const arbitraryParts = fc.record(parts, { requiredKeys: [] })
const arbitraryToken = fc.record(
  { iat: seconds, ...parts, exchanged_from: fc.array(arbitraryParts, { maxLength: 2 }) },
  { requiredKeys: ['iat'] },
)
const arbitraryRecord = fc.record({ kind: fc.constantFrom(...kinds), id, notBefore: seconds })
const arbitraryRecords = fc.array(arbitraryRecord, { maxLength: 12 })

const ofToken: Record<RevocationKind, (token: TokenParts) => string | undefined> = {
  everything: () => '',
  key: (one) => one.kid,
  client: (one) => one.client_id,
  user: (one) => one.sub,
  session: (one) => one.sid,
  grant: (one) => one.grant_id,
  token: (one) => one.jti,
}
const applies = (one: TokenOrigin, record: NotBefore) =>
  [one, ...(one.exchanged_from ?? [])].some((part) => ofToken[record.kind](part) === record.id)

t.test('the effective not-before is the maximum of those that apply', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(arbitraryToken, arbitraryRecords, (one, records) => {
        const applying = records.filter((record) => applies(one, record))
        const latest = Math.max(...applying.map(({ notBefore }) => notBefore))
        const expected = applying.length === 0 ? undefined : latest
        return (
          effectiveNotBefore(one, records) === expected &&
          isRevoked(one, records) === (applying.length > 0 && one.iat < latest)
        )
      }),
    ),
  )
})

t.test('records of others, their order and their repetition never matter', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(arbitraryToken, arbitraryRecords, (one, records) => {
        const own = records.filter((record) => applies(one, record))
        return (
          isRevoked(one, own) === isRevoked(one, records) &&
          isRevoked(one, [...records, ...records].toReversed()) === isRevoked(one, records)
        )
      }),
    ),
  )
})

t.test(
  'one more record never lets a token in, one second more of iat never refuses it',
  async (t) => {
    t.doesNotThrow(() =>
      fc.assert(
        fc.property(arbitraryToken, arbitraryRecords, arbitraryRecord, (one, records, more) => {
          const refused = isRevoked(one, records)
          return (
            (!refused || isRevoked(one, [...records, more])) &&
            (refused || !isRevoked({ ...one, iat: one.iat + 1 }, records))
          )
        }),
      ),
    )
  },
)

t.test('the not-before of an instant is the next whole second', async (t) => {
  const rows: [instant: string, notBefore: string][] = [
    ['2026-01-02T03:04:05.000Z', '2026-01-02T03:04:06Z'],
    ['2026-01-02T03:04:05.001Z', '2026-01-02T03:04:06Z'],
    ['2026-01-02T03:04:05.999Z', '2026-01-02T03:04:06Z'],
    ['2026-12-31T23:59:59.999Z', '2027-01-01T00:00:00Z'],
  ]
  for (const [instant, notBefore] of rows)
    t.equal(notBeforeOf(new Date(instant)), Date.parse(notBefore) / 1000, instant)
})

t.test(
  'what is issued up to the instant dies, what is issued from the not-before on lives',
  async (t) => {
    const instant = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
    t.doesNotThrow(() =>
      fc.assert(
        fc.property(instant, fc.nat(3_000_000), (at, earlierMilliseconds) => {
          const record: NotBefore = { kind: 'user', id: 'U', notBefore: notBeforeOf(at) }
          const earlier = Math.floor((at.getTime() - earlierMilliseconds) / 1000)
          return (
            isRevoked({ iat: earlier, sub: 'U' }, [record]) &&
            !isRevoked({ iat: record.notBefore, sub: 'U' }, [record]) &&
            record.notBefore * 1000 - at.getTime() <= 1000
          )
        }),
      ),
    )
  },
)
