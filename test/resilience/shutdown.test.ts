/** A server that is told to stop, and one that is killed: what was promised holds (issue 2, "SIGTERM drains"). */
import t from 'tap'
import { authorize, redeem, signIn } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { keyEncryptionKey, startServer } from '../support/server-process.ts'

const provider = await createTestProvider(t, { CLAVIGER_KEY_ENCRYPTION_KEY: keyEncryptionKey })
const { database } = provider
await provider.createUser()
const client = await provider.createClient({ skip_consent: true })
const browser = await signIn(provider)

/** Codes that any server on this database can redeem. */
async function createCodes(count: number): Promise<string[]> {
  const codes: string[] = []
  for (let made = 0; made < count; made += 1) {
    const { code } = await authorize(provider, browser, client, { scope: 'openid offline_access' })
    codes.push(code ?? '')
  }
  return codes
}

/** The status, or that the answer was lost. */
async function redeemAt(issuer: string, code: string): Promise<number | 'lost'> {
  const answer = await redeem({ ...provider, issuer }, client, code).catch(() => undefined)
  return answer?.status ?? 'lost'
}

/** Until so many statements wait for a lock. Each look is a round trip, outside the transaction: within, it stands still. */
async function untilBlocked(count: number): Promise<void> {
  let waiting: number | undefined
  do {
    const [row] = await database.query<{ waiting: number }>(
      `select count(*) as waiting from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`,
    )
    waiting = row?.waiting
  } while (!waiting || waiting < count)
}

t.test('SIGTERM lets the requests in flight end, then the process, with 0', async (t) => {
  const server = await startServer(t, database)
  const codes = await createCodes(3)
  const answers = await database.transaction(async (transaction) => {
    await transaction.query('select code_hash from authorization_codes for update')
    const inFlight = codes.map((code) =>
      redeem({ ...provider, issuer: server.issuer }, client, code),
    )
    await untilBlocked(codes.length)
    server.kill('SIGTERM')
    await server.said({ msg: 'stopping' })
    return inFlight
  })
  for (const answer of await Promise.all(answers))
    t.match(answer, { status: 200, body: { access_token: /./, refresh_token: /./ } })
  t.equal(await server.ended, 0)
  t.equal(server.logged.at(-1)?.['msg'], 'stopped')
  t.strictSame(
    server.logged.filter(({ level }) => Number(level) >= 50),
    [],
  )
  await t.rejects(fetch(`${server.issuer}/health/live`), TypeError, 'nobody listens any more')
})

t.test(
  'SIGKILL in the middle of requests leaves each code redeemed or not, never both',
  async (t) => {
    const server = await startServer(t, database)
    const codes = await createCodes(12)
    const first = await database.transaction(async (transaction) => {
      // The requests of four codes wait in the database while their server dies.
      await transaction.query(
        `select code_hash from authorization_codes where consumed_at is null
       order by created_at, code_hash limit 4 for update`,
      )
      const inFlight = codes.map((code) => redeemAt(server.issuer, code))
      await untilBlocked(4)
      t.equal(await Promise.race(inFlight), 200)
      server.kill('SIGKILL')
      t.equal(await server.ended, 'SIGKILL')
      return inFlight
    })
    const before = await Promise.all(first)
    t.ok(before.includes('lost'), `in flight: ${before.join(' ')}`)

    const again = await startServer(t, database, server)
    const after = await Promise.all(codes.map((code) => redeemAt(again.issuer, code)))
    for (const [index, status] of after.entries()) {
      const history = `${before[index]}, then ${status}`
      t.ok([200, 400].includes(Number(status)), history)
      t.notSame([before[index], status], [200, 200], 'not redeemed twice')
    }
    const halves = await database.query(
      `select grant_id from authorization_codes c full join refresh_families f using (grant_id)
     where (c.consumed_at is null) <> (f.grant_id is null)`,
    )
    t.strictSame(halves, [], 'a used code has its refresh family, an unused one has none')
    const third = await Promise.all(codes.map((code) => redeemAt(again.issuer, code)))
    t.strictSame([...new Set(third)], [400], 'by now all are used')
    again.kill('SIGTERM')
    t.equal(await again.ended, 0)
  },
)
