import { createHash } from 'node:crypto'
import t from 'tap'
import { secondsAfter, setUp, start } from './setup.ts'

t.test('a code stands for what was authorized', async (t) => {
  const { codes, newGrant } = await setUp()
  const grant = newGrant()
  const found = await codes.find(await codes.create(grant))
  t.match(found?.grantId, /^[\da-f-]{36}$/)
  t.strictSame(found, {
    acr: undefined,
    claims: undefined,
    authorizationDetails: undefined,
    confirmation: undefined,
    ...grant,
    grantId: found?.grantId,
    expiresAt: secondsAfter(start, 60),
    consumedAt: undefined,
    isEnded: false,
  })
})

t.test('what else it was asked for comes back as well', async (t) => {
  const { codes, newGrant } = await setUp()
  const more = {
    acr: 'the acr',
    claims: { userinfo: { name: null }, id_token: { email: { essential: true } } },
    authorizationDetails: [{ type: 'payment', amount: 5 }],
    confirmation: { jkt: 'the thumbprint' },
  }
  t.hasStrict(await codes.find(await codes.create({ ...newGrant(), ...more })), more)
})

t.test('what the request did not have is undefined', async (t) => {
  const { codes, newGrant } = await setUp()
  const lean = { redirectUri: undefined, nonce: undefined, codeChallenge: undefined }
  const grant = newGrant({ ...lean, scope: [], resources: [], amr: [] })
  const found = await codes.find(await codes.create(grant))
  t.hasStrict(found, { ...lean, consumedAt: undefined })
  t.strictSame([found?.scope, found?.resources, found?.amr], [[], [], []])
})

t.test('every code is another, of 256 bits, and of a grant of its own', async (t) => {
  const { codes, newGrant } = await setUp()
  const [one, other] = [await codes.create(newGrant()), await codes.create(newGrant())]
  t.match(one, /^[\w-]{43}$/)
  t.not(one, other)
  t.not((await codes.find(one))?.grantId, (await codes.find(other))?.grantId)
  t.equal(await codes.find(one.toLowerCase()), undefined)
})

t.test('the database knows a code by its SHA-256 only', async (t) => {
  const { codes, newGrant, database } = await setUp()
  const code = await codes.create(newGrant())
  const [row] = await database.query<{ text: string }>(
    'select c::text as text from authorization_codes c',
  )
  t.notMatch(row!.text, code)
  t.match(row!.text, createHash('sha256').update(code).digest('hex'))
})

t.test(
  'of simultaneous redemptions one wins, and begins the one family (RFC 6749 §4.1.2)',
  async (t) => {
    const { codes, newGrant, store, families, clock, sub, clientId } = await setUp()
    const code = await codes.create(newGrant())
    clock.advance(10)
    const verdicts = await Promise.all(
      Array.from({ length: 8 }, () => codes.consume(code, { refreshable: true })),
    )
    t.strictSame(verdicts.toSorted(), ['consumed', ...Array(7).fill('replayed')])
    const { grantId, consumedAt } = (await codes.find(code))!
    t.strictSame(consumedAt, clock.now())
    t.hasStrict(await store.findFamily(grantId), {
      grantId,
      clientId,
      sub,
      sid: 'the sid',
      generation: 1,
      authTime: start,
      rotatedAt: clock.now(),
      revokedAt: undefined,
      account: { sub },
    })
    t.match(await families.findLive(families.firstToken(grantId)), { grantId })
  },
)

t.test('without refresh tokens there is no family', async (t) => {
  const { codes, newGrant, store } = await setUp()
  const code = await codes.create(newGrant())
  t.equal(await codes.consume(code, { refreshable: false }), 'consumed')
  const { grantId } = (await codes.find(code))!
  t.equal(await store.findFamily(grantId), undefined)
  t.equal(await codes.consume(code, { refreshable: true }), 'replayed')
  t.equal(await store.findFamily(grantId), undefined, 'a replay begins none')
})

t.test('a used or expired code is still known, so that a replay is recognised', async (t) => {
  const { codes, newGrant, clock } = await setUp()
  const code = await codes.create(newGrant())
  const usedAt = clock.now()
  await codes.consume(code, { refreshable: false })
  clock.advance(61)
  await codes.consume(code, { refreshable: false })
  t.hasStrict(await codes.find(code), { consumedAt: usedAt, expiresAt: secondsAfter(start, 60) })
})

t.test('a code that nobody made is not there to be won', async (t) => {
  const { codes } = await setUp()
  t.equal(await codes.find('unknown'), undefined)
  t.equal(await codes.consume('unknown', { refreshable: true }), 'replayed')
})
