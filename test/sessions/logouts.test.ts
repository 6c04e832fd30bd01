import { createHash, randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Queryable } from '../../src/database/database.ts'
import { createPurgeExpired } from '../../src/jobs/purge-expired.ts'
import { createJobsStore } from '../../src/jobs/store.ts'
import { createSessionStore } from '../../src/sessions/store.ts'
import { createCodes } from '../../src/tokens/codes.ts'
import { createCodeStore } from '../../src/tokens/code-store.ts'
import { secondsAfter, setUp as setUpNode, start } from '../tokens/setup.ts'

const hour = 3600
const settings = {
  codeTtlSeconds: 60,
  refreshIdleTtlSeconds: 50 * hour,
  refreshTtlSeconds: 90 * hour,
}

async function setUp() {
  const node = await setUpNode()
  const { database, clients, clock, codes, logouts, sessions, sub, newGrant } = node
  const { client } = await clients.create({
    redirect_uris: ['https://app.example/cb'],
    backchannel_logout_uri: 'https://app.example/logout',
  })
  const { clientId } = client
  const purge = createPurgeExpired({
    store: createJobsStore(database),
    clock,
    longestTokenSeconds: async () => 600,
    auditRetentionSeconds: 0,
  })
  const begin = async (formerSecret?: string) => {
    const authentication = { sub, amr: ['pwd'], authTime: clock.now(), after: [] }
    return sessions.start(authentication, formerSecret)
  }
  const newCode = (sid: string) => codes.create(newGrant({ clientId, sid }))
  const redeem = async (
    code: string,
    { refreshable = false, within = database }: { refreshable?: boolean; within?: Queryable } = {},
  ) =>
    createCodes({ store: createCodeStore(within), clock, settings }).consume(code, {
      refreshable,
      listensForLogout: true,
    })
  const noted = () =>
    database.query<{ sid: string; expires_at: Date }>('select sid, expires_at from session_clients')
  const queued = async () => {
    const deliveries = await logouts.list({ clientId, limit: 10 })
    return deliveries.map(({ sid }) => sid)
  }
  return { ...node, purge, begin, newCode, redeem, noted, queued }
}

/** Until `work` waits for a lock that another transaction holds, or ends without. */
async function waitsForLock(database: Queryable, work: Promise<unknown>): Promise<void> {
  const over = work.then(
    () => true,
    () => true,
  )
  for (;;) {
    const waiting = await database.query(
      `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    )
    if (waiting.length > 0 || (await Promise.race([over, Promise.resolve(false)]))) return
  }
}

t.test(
  'a client is known as long as the session, or a refresh token of it, may live',
  async (t) => {
    const { begin, newCode, redeem, noted, clock, purge } = await setUp()
    const { secret, sid } = await begin()
    await redeem(await newCode(sid))
    t.strictSame(await noted(), [{ sid, expires_at: secondsAfter(start, 12 * hour) }])
    await redeem(await newCode(sid))
    t.equal((await noted()).length, 1)

    clock.advance(6 * hour)
    await begin(secret)
    t.strictSame(await noted(), [{ sid, expires_at: secondsAfter(start, 18 * hour) }])
    await redeem(await newCode(sid), { refreshable: true })
    await redeem(await newCode(sid))
    t.strictSame(await noted(), [{ sid, expires_at: secondsAfter(start, 96 * hour) }])

    clock.advance(90 * hour)
    await purge.run()
    t.equal((await noted()).length, 1)
    clock.advance(301)
    await purge.run()
    t.strictSame(await noted(), [])
  },
)

t.test('whether a session ends before or after a redemption, no client is left out', async (t) => {
  const { begin, newCode, redeem, noted, queued, clock, sub, logouts, database } = await setUp()
  const end = (named: { sub: string; sid: string }, transaction: Queryable) =>
    logouts.endSession(named, clock.now(), transaction)

  t.test('the end comes first: the code gives nothing', async (t: Test) => {
    const { sid } = await begin()
    const code = await newCode(sid)
    const { verdict } = await database.transaction(async (transaction) => {
      await end({ sub, sid }, transaction)
      const redeemed = redeem(code)
      await waitsForLock(database, redeemed)
      return { verdict: redeemed }
    })
    t.equal(await verdict, 'ended')
    t.strictSame([await noted(), await queued()], [[], []])
    t.equal(await redeem(code), 'replayed', 'and is used up')
  })

  t.test('the redemption comes first: its client is told', async (t: Test) => {
    const { sid } = await begin()
    const code = await newCode(sid)
    const { ended } = await database.transaction(async (transaction) => {
      t.equal(await redeem(code, { within: transaction }), 'consumed')
      const ending = database.transaction((other) => end({ sub, sid }, other))
      await waitsForLock(database, ending)
      return { ended: ending }
    })
    await ended
    t.strictSame([await noted(), await queued()], [[], [sid]])
  })

  t.test('a new sign-in of the same person in between is no end', async (t: Test) => {
    const { secret, sid } = await begin()
    const code = await newCode(sid)
    const { verdict } = await database.transaction(async (transaction) => {
      const times = { authTime: clock.now(), createdAt: clock.now(), expiresAt: clock.now() }
      const signIn = { sessionHash: randomBytes(32), sub, amr: ['pwd'], ...times }
      const formerHash = createHash('sha256').update(secret).digest()
      t.ok(await createSessionStore(transaction).renew(formerHash, signIn))
      const redeemed = redeem(code)
      await waitsForLock(database, redeemed)
      return { verdict: redeemed }
    })
    t.equal(await verdict, 'consumed')
  })
})

t.test('what a transaction does not commit was not ended, and nobody is told', async (t) => {
  const { begin, newCode, redeem, queued, clock, sub, logouts, sessions, database } = await setUp()
  const { secret, sid } = await begin()
  await redeem(await newCode(sid))
  const failed = database.transaction(async (transaction) => {
    await logouts.endSession({ sub, sid }, clock.now(), transaction)
    throw new Error('the machine stopped')
  })
  await t.rejects(failed, /the machine stopped/)
  t.ok(await sessions.find(secret))
  t.strictSame(await queued(), [])
  await sessions.end(secret)
  t.strictSame(await queued(), [sid])
})

t.test('of simultaneous ends one tells the clients', async (t) => {
  const { begin, newCode, redeem, queued, sub, sessions, revocations } = await setUp()
  const { secret, sid } = await begin()
  await redeem(await newCode(sid))
  const ends = Array.from({ length: 3 }, () => [
    sessions.end(secret),
    sessions.endBySid({ sub, sid }),
    revocations.revokeUser(sub, { actor: 'test' }),
  ])
  await Promise.all(ends.flat())
  t.strictSame(await queued(), [sid])
})

t.test('a session that began after the instant of a revocation goes on', async (t) => {
  const { begin, newCode, redeem, queued, clock, sub, logouts, sessions, database } = await setUp()
  const { secret, sid } = await begin()
  await redeem(await newCode(sid))
  await database.transaction(async (transaction) => {
    const before = secondsAfter(clock.now(), -0.001)
    await logouts.endSessionsOfUser(sub, before, transaction)
    await logouts.endAllSessions(before, transaction)
  })
  t.ok(await sessions.find(secret))
  t.strictSame(await queued(), [])
})

for (const kind of ['client', 'everything'] as const)
  t.test(`however many clients of sessions are to be told, ${kind} is revoked first`, async (t) => {
    const { database, sub, clientId, revocations } = await setUp()
    await database.query(
      `insert into session_clients (sid, sub, client_id, expires_at)
       select 'sid ' || number, $1, $2, $3 from generate_series(1, 4500) number`,
      [sub, clientId, secondsAfter(start, hour)],
    )
    const revoke = () =>
      kind === 'client'
        ? revocations.revokeClient(clientId, { actor: 'test' })
        : revocations.revokeEverything({ actor: 'test' })
    const told = () => database.query('select sid from logout_deliveries')

    await database.query(
      `create function refuse_more() returns trigger language plpgsql as $$
       begin
         if (select count(*) from logout_deliveries) >= 2000 then raise 'too many'; end if;
         return null;
       end $$`,
    )
    await database.query(
      `create trigger refuse_more before insert on logout_deliveries execute function refuse_more()`,
    )
    await t.rejects(revoke(), /too many/)
    await database.query('drop function refuse_more cascade')
    const iat = Math.floor(start.getTime() / 1000)
    t.equal(await revocations.isRevoked({ iat, client_id: clientId }), true)
    t.equal((await told()).length, 2000)

    await revoke()
    t.equal((await told()).length, 4500, 'the same again tells the rest')
  })
