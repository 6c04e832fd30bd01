/** Postgres goes away under a node that serves the revocation feed: it says so, and afterwards nothing is missing. */
import t from 'tap'
import { createDatabase } from '../../src/database/pool.ts'
import { createRevocationStore } from '../../src/revocation/store.ts'
import { digestSubject, type FeedDocument } from '../../src/verifier/feed.ts'
import { toDatabaseUrl } from '../cli/run-cli.ts'
import { createFeedToken, listenToFeed, pollFeed } from '../support/feed.ts'
import { createTestProvider } from '../support/provider.ts'
import { createTestTimers } from '../support/timers.ts'

const timers = createTestTimers()
const provider = await createTestProvider(t, {}, timers)
const { services, clock, database } = provider
const { token } = await createFeedToken(provider)

const name = new URL(toDatabaseUrl(database)).pathname.slice(1)
const administration = createDatabase(database.url.replace(name, 'postgres'), { onError: () => {} })
t.teardown(() => administration.close())

async function setReachable(isReachable: boolean): Promise<void> {
  await administration.query(`alter database ${name} allow_connections ${isReachable}`)
  if (isReachable) return
  await administration.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
    [name],
  )
}

const digestsOf = ({ entries }: FeedDocument) => entries.map(([, digest]) => digest)
const milliseconds = () => clock.now().getTime()

t.test(
  'an outage shows in the documents, and what was revoked meanwhile comes after it',
  async (t) => {
    await services.revocations.revokeToken('before', { actor: 'test' })
    await services.revocationFeed.load()
    const stream = await listenToFeed(provider, { token })
    const first = (await stream.next())!
    const asOf = milliseconds()
    t.equal(first.as_of, asOf)

    await setReachable(false)
    t.teardown(() => setReachable(true))
    clock.advance(10)
    await t.rejects(services.revocationFeed.load(), { name: 'DatabaseUnavailable' })
    const poll = await pollFeed(provider, { token })
    t.strictSame([poll.as_of, poll.clock], [asOf, asOf + 10_000], 'a poll is answered, and honest')
    t.equal(poll.entries.length, 1)
    timers.pass(10_000)
    const beat = (await stream.next())!
    t.strictSame([beat.as_of, beat.clock], [asOf, asOf + 10_000], 'and so is the stream')

    await setReachable(true)
    // Of itself: the node listens again, and looks what it has missed.
    const store = createRevocationStore(database)
    const record = {
      kind: 'token',
      id: 'meanwhile',
      notBefore: Math.floor(milliseconds() / 1000) + 1,
      expiresAt: new Date(milliseconds() + 600_000),
      reason: undefined,
      revokedAt: clock.now(),
    } as const
    await database.transaction((transaction) => store.append(record, transaction))
    timers.pass(1000)
    const change = (await stream.next())!
    t.strictSame(digestsOf(change), [await digestSubject({ kind: 'token', id: 'meanwhile' })])
    t.equal(change.after, beat.cursor)
    t.equal(change.as_of, milliseconds())
  },
)
