import * as fc from 'fast-check'
import t from 'tap'
import { digestSubject, type FeedEntry } from '../../src/verifier/feed.ts'
import { createHeldRevocations } from '../../src/verifier/held-revocations.ts'
import { isRevoked, type RevocationKind, type TokenOrigin } from '../../src/verifier/not-before.ts'

const origin: Required<Omit<TokenOrigin, 'exchanged_from'>> = {
  iat: 1000,
  kid: 'K',
  client_id: 'C',
  sub: 'U',
  sid: 'S',
  grant_id: 'G',
  jti: 'J',
}
const ids: [RevocationKind, string][] = [
  ['everything', ''],
  ['key', 'K'],
  ['client', 'C'],
  ['user', 'U'],
  ['session', 'S'],
  ['grant', 'G'],
  ['token', 'J'],
]

async function entryOf(
  kind: RevocationKind,
  id: string,
  notBefore = 1001,
  expiresAt = 2000,
): Promise<FeedEntry> {
  return [kind, await digestSubject({ kind, id }), notBefore, expiresAt]
}

t.test('what a token belongs to is found, of any kind, and nothing else', async (t) => {
  for (const [kind, id] of ids) {
    const held = createHeldRevocations()
    held.merge([await entryOf(kind, id), await entryOf(kind, 'another')])
    t.strictSame(await held.find(origin), [{ kind, id, notBefore: 1001 }], kind)
    t.strictSame(
      await held.find({ iat: 1000 }),
      kind === 'everything' ? await held.find(origin) : [],
    )
  }
})

t.test('nothing is hashed for kinds of which nothing is held', async (t) => {
  const hashed: string[] = []
  const held = createHeldRevocations({
    digest: (subject) => {
      hashed.push(subject.kind)
      return digestSubject(subject)
    },
  })
  t.strictSame(await held.find(origin), [])
  t.equal(await held.isKeyRevoked('K'), false)
  t.strictSame(hashed, [])
  held.merge([await entryOf('session', 'X'), await entryOf('user', 'Y', 1001, 1500)])
  await held.find(origin)
  await held.isKeyRevoked('K')
  t.strictSame(hashed, ['user', 'session'])
  held.expire(1500)
  await held.find(origin)
  t.strictSame(hashed, ['user', 'session', 'session'], 'nor after the last of a kind has expired')
})

t.test('where hashes come later, so do the records', async (t) => {
  const held = createHeldRevocations({ digest: async (subject) => digestSubject(subject) })
  held.merge([await entryOf('user', 'U'), await entryOf('key', 'K')])
  const found = held.find(origin)
  t.ok(found instanceof Promise)
  t.strictSame(await found, [
    { kind: 'key', id: 'K', notBefore: 1001 },
    { kind: 'user', id: 'U', notBefore: 1001 },
  ])
  t.equal(await held.isKeyRevoked('K'), true)
  t.equal(await held.isKeyRevoked('L'), false)
})

t.test(
  'the latest not-before and the latest expiry stay, in whatever order they come',
  async (t) => {
    const held = createHeldRevocations()
    held.merge([await entryOf('user', 'U', 1001, 1500)])
    held.merge([await entryOf('user', 'U', 900, 3000)])
    const version = held.version()
    held.merge([await entryOf('user', 'U', 1000, 2000)])
    t.equal(held.version(), version, 'nothing new is no change')
    held.expire(2999)
    t.strictSame(await held.find(origin), [{ kind: 'user', id: 'U', notBefore: 1001 }])
    t.equal(held.size(), 1)
    held.expire(3000)
    t.strictSame(await held.find(origin), [])
    t.equal(held.size(), 0)
  },
)

t.test('the version grows with every change and with none else', async (t) => {
  const held = createHeldRevocations()
  const versions = [held.version()]
  const note = () => versions.push(held.version())
  held.merge([])
  note()
  held.merge([await entryOf('user', 'U', 1001, 1500)])
  note()
  held.expire(1499)
  note()
  held.merge([await entryOf('user', 'U', 1001, 1600)])
  note()
  held.expire(1550)
  note()
  held.expire(1600)
  note()
  const grew = versions.slice(1).map((version, index) => version > versions[index]!)
  t.strictSame(grew, [false, true, false, true, false, true])
})

t.test('its verdict is that of a list of all entries that have not expired', async (t) => {
  const entry = fc.record({
    kind: fc.constantFrom<RevocationKind>('user', 'session', 'everything'),
    id: fc.constantFrom('', 'a', 'b'),
    notBefore: fc.integer({ min: 990, max: 1010 }),
    expiresAt: fc.integer({ min: 1000, max: 1020 }),
  })
  const step = fc.oneof(fc.array(entry, { maxLength: 3 }), fc.constant('expire' as const))
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const held = createHeldRevocations()
      let all: { kind: RevocationKind; id: string; notBefore: number; expiresAt: number }[] = []
      let now = 995
      for (const step of steps) {
        if (step === 'expire') held.expire((now += 5))
        else
          held.merge(
            await Promise.all(
              step.map(({ kind, id, notBefore, expiresAt }) =>
                entryOf(kind, id, notBefore, expiresAt),
              ),
            ),
          )
        // A subject's record lives as long as its longest entry.
        if (step !== 'expire') all.push(...step)
        const lives = ({ kind, id }: { kind: string; id: string }) =>
          all.some((one) => one.kind === kind && one.id === id && one.expiresAt > now)
        if (step === 'expire') all = all.filter(lives)
        for (const iat of [995, 1000, 1005])
          for (const [sub, sid] of [
            ['a', 'b'],
            ['b', ''],
          ] as const) {
            const token = { iat, sub, sid }
            t.equal(isRevoked(token, await held.find(token)), isRevoked(token, all))
          }
      }
    }),
  )
})
