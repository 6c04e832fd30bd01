import { createHash } from 'node:crypto'
import t from 'tap'
import { createConsents } from '../../src/consents/consents.ts'
import { createConsentStore } from '../../src/consents/store.ts'
import {
  act,
  createNode,
  laggingBy,
  secondsAfter,
  setUp as setUpNode,
  start,
} from '../tokens/setup.ts'

async function setUp() {
  const node = await setUpNode({ CLAVIGER_SESSION_TTL_SECONDS: '3600' })
  const { sub: otherSub } = await node.accounts.create({ email: 'bob@example.com' })
  const signIn = async (sub = node.sub, formerSecret?: string) => {
    const authentication = { sub, amr: ['pwd'], authTime: node.clock.now(), after: [] }
    return (await node.sessions.start(authentication, formerSecret)).secret
  }
  return { ...node, otherSub, signIn }
}

t.test('a session says who signed in, when and how', async (t) => {
  const { sessions, signIn, sub, clock } = await setUp()
  const secret = await signIn()
  const session = await sessions.find(secret)
  t.match(session?.sid, /^[\da-f-]{36}$/)
  t.strictSame(session, { sid: session?.sid, sub, authTime: start, amr: ['pwd'] })
  clock.advance(100)
  t.strictSame(await sessions.find(secret), session)
})

t.test('the cookie has 256 bits, and the database knows their SHA-256 only (§3.8)', async (t) => {
  const { signIn, database } = await setUp()
  const secret = await signIn()
  t.match(secret, /^[\w-]{43}$/)
  const [row] = await database.query<{ text: string }>(
    `select s::text as text from sessions s where sid <> 'the sid'`,
  )
  t.notMatch(row!.text, secret)
  t.match(row!.text, createHash('sha256').update(secret).digest('hex'))
})

t.test('no other secret finds a session, its hash included', async (t) => {
  const { sessions, signIn } = await setUp()
  const secret = await signIn()
  const hash = createHash('sha256').update(secret).digest('base64url')
  for (const other of [undefined, '', hash, secret.slice(1), `${secret} `])
    t.equal(await sessions.find(other), undefined)
})

t.test('the sid goes on when the same user signs in again; the former secret ends', async (t) => {
  const { sessions, signIn, clock } = await setUp()
  const former = await signIn()
  const { sid } = (await sessions.find(former))!
  clock.advance(60)
  const secret = await signIn(undefined, former)
  t.hasStrict(await sessions.find(secret), { sid, authTime: secondsAfter(start, 60) })
  t.equal(await sessions.find(former), undefined)
})

t.test('another user gets another sid, and the former session ends', async (t) => {
  const { sessions, signIn, otherSub } = await setUp()
  const former = await signIn()
  const { sid } = (await sessions.find(former))!
  const session = await sessions.find(await signIn(otherSub, former))
  t.match(session, { sub: otherSub })
  t.not(session?.sid, sid)
  t.equal(await sessions.find(former), undefined)
})

t.test('the sid of a session that counts no more does not come back', async (t) => {
  const { sessions, signIn, clock, revocations, sub } = await setUp()
  const ends: [why: string, end: (secret: string) => Promise<unknown>][] = [
    ['ended', (secret) => sessions.end(secret)],
    ['expired', async () => clock.advance(3600)],
    ['revoked', () => revocations.revokeUser(sub, act)],
  ]
  for (const [why, end] of ends) {
    const former = await signIn()
    const { sid } = (await sessions.find(former))!
    await end(former)
    clock.advance(1)
    t.not((await sessions.find(await signIn(sub, former)))?.sid, sid, why)
  }
})

t.test('another browser of the same user has a session of its own', async (t) => {
  const { sessions, signIn } = await setUp()
  const [one, other] = [await signIn(), await signIn()]
  t.not((await sessions.find(one))?.sid, (await sessions.find(other))?.sid)
  await sessions.end(one)
  t.equal(await sessions.find(one), undefined)
  t.ok(await sessions.find(other))
})

t.test('a session is found until it expires', async (t) => {
  const { sessions, signIn, clock } = await setUp()
  const secret = await signIn()
  clock.advance(3599.999)
  t.ok(await sessions.find(secret))
  clock.advance(0.001)
  t.equal(await sessions.find(secret), undefined)
})

t.test('an ID token can end a session by its sid, if it names the user too', async (t) => {
  const { sessions, signIn, sub, otherSub } = await setUp()
  const secret = await signIn()
  const { sid } = (await sessions.find(secret))!
  await sessions.endBySid({ sub: otherSub, sid })
  await sessions.endBySid({ sub, sid: 'another' })
  t.ok(await sessions.find(secret))
  await sessions.endBySid({ sub, sid })
  t.equal(await sessions.find(secret), undefined)
})

t.test('the session of a disabled user does not count', async (t) => {
  const { sessions, signIn, accounts, sub } = await setUp()
  const secret = await signIn()
  await accounts.disable(sub)
  t.equal(await sessions.find(secret), undefined)
})

t.test(
  'a revocation ends the sessions from before; a new sign-in works at once (§3.4)',
  async (t) => {
    const { sessions, signIn, revocations, accounts, sub, otherSub, clock } = await setUp()
    const [before, ofOther] = [await signIn(), await signIn(otherSub)]
    const { at: revokedAt } = await revocations.revokeUser(sub, act)
    t.equal(await sessions.find(before), undefined)
    t.ok(await sessions.find(ofOther), 'of another user')
    const account = await accounts.findBySub(sub)
    const { secret: after } = await sessions.start(
      { sub, amr: [], authTime: clock.now(), after: [account?.revokedAt] },
      before,
    )
    t.hasStrict(await sessions.find(after), { authTime: secondsAfter(revokedAt, 0.001) })
  },
)

t.test('a new sign-in counts also where the clock lags behind the revocation', async (t) => {
  const { database, clock, revocations, accounts, sub } = await setUp()
  const { sessions } = createNode(database, laggingBy(50, clock))
  const { at: revokedAt } = await revocations.revokeUser(sub, act)
  clock.advance(0.01)
  const account = await accounts.findBySub(sub)
  const authTime = laggingBy(50, clock).now()
  const { secret } = await sessions.start(
    { sub, amr: [], authTime, after: [account?.revokedAt] },
    undefined,
  )
  t.hasStrict(await sessions.find(secret), { authTime: secondsAfter(revokedAt, 0.001) })
})

t.test('a sign-in whose password was checked during a revocation does not count', async (t) => {
  const { sessions, accounts, revocations, sub, clock } = await setUp()
  const authTime = clock.now()
  const account = await accounts.findBySub(sub) // with the password's hash
  clock.advance(0.05)
  await revocations.revokeUser(sub, act) // with a new password
  clock.advance(0.05)
  const { secret } = await sessions.start(
    { sub, amr: ['pwd'], authTime, after: [account?.revokedAt] },
    undefined,
  )
  t.equal(await sessions.find(secret), undefined)
})

t.test('a sign-in is later than the request that asked for it', async (t) => {
  const { sessions, sub, clock } = await setUp()
  const requestedAt = secondsAfter(start, 0.03) // by the clock of another node
  const after = [undefined, requestedAt, secondsAfter(start, -5)]
  const authentication = { sub, amr: [], authTime: clock.now(), after }
  const { secret, sid } = await sessions.start(authentication, undefined)
  t.hasStrict(await sessions.find(secret), { sid, authTime: secondsAfter(requestedAt, 0.001) })
})

t.test('a session comes with what its user allowed the client, and no other', async (t) => {
  const { sessions, signIn, database, clock, clientId, sub, otherSub } = await setUp()
  const consents = createConsents({ store: createConsentStore(database), clock })
  const [secret, ofOther] = [await signIn(), await signIn(otherSub)]
  t.match(await sessions.findWithConsent(secret, clientId), {
    session: { sub },
    consent: undefined,
  })
  await consents.grant(sub, clientId, { scope: [], resources: [], claims: [] })
  t.hasStrict(await sessions.findWithConsent(secret, clientId), {
    session: { sub },
    consent: { scope: [], resources: [], grantedAt: start },
  })
  t.match(await sessions.findWithConsent(secret, 'another client'), { consent: undefined })
  t.match(await sessions.findWithConsent(ofOther, clientId), { consent: undefined })
  t.strictSame(await sessions.findWithConsent(undefined, clientId), {})
})
