/** Whatever happens to nodes and connections: fresh means that nothing older is missing, and in the end all is known. */
import { ok, deepEqual } from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import * as fc from 'fast-check'
import t from 'tap'
import type { RevocationKind } from '../../src/verifier/not-before.ts'
import type { View } from './feed-issuer.ts'
import { createTestFollower, type Following } from './follower-setup.ts'

const maxFeedAgeSeconds = 20

interface Revoked {
  notBefore: number
  expiresAt: number
  /** When a verifier is to know of it, in milliseconds since 1970. */
  recordedAt: number
}

type Subject = readonly [kind: RevocationKind, id: string]

const subjects: Subject[] = [
  ['user', 'U'],
  ['user', 'V'],
  ['session', 'S'],
  ['client', 'C'],
  ['everything', ''],
]

const claims: Partial<Record<RevocationKind, string>> = {
  user: 'sub',
  session: 'sid',
  client: 'client_id',
}

const node = fc.nat(1)
const step = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('advance'), fc.nat(15_000)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('advance'), fc.nat(500)) },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constant('revoke'), fc.nat(subjects.length - 1), fc.nat(90)),
  },
  { weight: 4, arbitrary: fc.tuple(fc.constant('read'), node) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('send')) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('balance'), node) },
  fc.tuple(fc.constantFrom('stall', 'release', 'cut', 'end', 'fail over', 'refresh')),
  fc.tuple(fc.constantFrom('down', 'up')),
  fc.tuple(fc.constant('slow'), fc.nat(9_000), fc.nat(9_000)),
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

/** What chance alone seldom comes to. */
const story = fc
  .record({ which: fc.nat(subjects.length - 1), pause: fc.integer({ min: 10_500, max: 15_000 }) })
  .chain(({ which, pause }) =>
    fc.constantFrom<Step[]>(
      // An event is held up until what it does not say is overdue.
      [
        ['stall'],
        ['send'],
        ['revoke', which, 80],
        ['advance', pause],
        ['advance', pause],
        ['release'],
      ],
      // After a failover a node that lags behind tells everything it knows.
      [
        ['revoke', which, 80],
        ['advance', pause],
        ['read', 0],
        ['balance', 0],
        ['advance', pause],
        ['read', 0],
        ['refresh'],
        ['fail over'],
        ['balance', 1],
        ['cut'],
        ['advance', 500],
      ],
    ),
  )
const steps = fc
  .array(fc.oneof({ weight: 12, arbitrary: step.map((one) => [one]) }, story), {
    minLength: 5,
    maxLength: 40,
  })
  .map((parts) => parts.flat())

function createWorld({ time, server, follower, settle, pass }: Following) {
  const recorded = new Map<Subject, Revoked>()
  const views: View[] = [server.view(), server.view()]
  let [delayBefore, delayAfter] = [0, 0]
  let isDown = false

  server.node = () => views[0]!
  server.intercept = async ({ way, cursor }, response) => {
    if (isDown) {
      response.destroy()
      return true
    }
    if (way !== 'poll' || delayBefore + delayAfter === 0) return false
    time.advance(delayBefore)
    const jwt = await server.sign(server.documentAfter(cursor, server.node()))
    time.advance(delayAfter)
    response.writeHead(200, { 'content-type': 'application/jwt' }).end(jwt)
    return true
  }

  async function revoke(subject: Subject, lifetimeSeconds: number): Promise<void> {
    const [kind, id] = subject
    const known = recorded.get(subject)
    const notBefore = Math.floor(time.trueNow() / 1000) + 1
    const expiresAt = Math.max(notBefore + lifetimeSeconds, known?.expiresAt ?? 0)
    await server.revoke({ kind, id, notBefore, expiresAt })
    recorded.set(subject, { notBefore, expiresAt, recordedAt: time.trueNow() })
  }

  async function heldOf([kind, id]: Subject): Promise<number | undefined> {
    const records = await follower.find({ iat: 0, [claims[kind] ?? '']: id })
    return records.find((record) => record.kind === kind)?.notBefore
  }

  async function checkFreshness(): Promise<void> {
    for (const [subject, { notBefore, expiresAt, recordedAt }] of recorded) {
      const held = await heldOf(subject)
      ok((held ?? 0) <= notBefore, 'nothing is revoked that was not')
      const now = time.trueNow()
      const mustBeKnown = recordedAt < now - maxFeedAgeSeconds * 1000 && expiresAt * 1000 > now
      ok(!mustBeKnown || held === notBefore || !follower.isFresh(), `stale, but called fresh`)
    }
  }

  return {
    async play([action, ...[first = 0, second = 0]]: Step) {
      const streams = server.streams.filter((stream) => stream.isOpen())
      if (action === 'advance') time.advance(first)
      if (action === 'revoke') await revoke(subjects[first]!, second)
      if (action === 'read') views[first] = server.view()
      if (action === 'balance') server.node = () => views[first]!
      if (action === 'fail over') server.failOver()
      if (action === 'refresh') void follower.refresh()
      if (action === 'down') isDown = true
      if (action === 'up') isDown = false
      if (action === 'slow') [delayBefore, delayAfter] = [first, second]
      for (const stream of streams) {
        if (action === 'send') await stream.send()
        if (action === 'stall') stream.stall()
        if (action === 'release') stream.release()
        if (action === 'cut' || action === 'down') stream.cut()
        if (action === 'end') stream.end()
      }
      await settle()
      for (let turns = 0; turns < 20; turns += 1) await turn() // for what streams bring
      await settle()
      await checkFreshness()
    },

    async checkCaughtUp() {
      isDown = false
      delayBefore = delayAfter = 0
      views.fill(server.view())
      for (const stream of server.streams) stream.cut()
      await settle()
      const last = `c${server.view().cursor}`
      await pass(() => follower.isFresh() && follower.status().cursor?.endsWith(last))
      time.advance(1_000)
      views.fill(server.view())
      await follower.refresh()
      const now = time.trueNow()
      for (const subject of subjects) {
        const { notBefore, expiresAt } = recorded.get(subject) ?? { notBefore: 0, expiresAt: 0 }
        const expected = expiresAt * 1000 > now ? notBefore : undefined
        deepEqual(await heldOf(subject), expected, subject.join(' '))
      }
      await checkFreshness()
    },
  }
}

async function run(mode: 'stream' | 'poll', wallClockError: number, steps: Step[]): Promise<void> {
  const ends: (() => unknown)[] = []
  const following = await createTestFollower(
    { teardown: (end) => void ends.push(end) },
    { public: true, mode, pollSeconds: 4, maxFeedAgeSeconds },
    { pageSize: 2 },
  )
  try {
    following.time.setWallClockError(wallClockError)
    const world = createWorld(following)
    following.follower.start()
    for (const step of steps) await world.play(step)
    await world.checkCaughtUp()
  } finally {
    for (const end of ends.toReversed()) await end()
  }
}

t.test('what is fresh misses nothing, and all is known once it was caught up with', async (t) => {
  const property = fc.asyncProperty(
    fc.constantFrom('stream', 'stream', 'poll'),
    fc.constantFrom(0, 0, -3_600_000),
    steps,
    run,
  )
  await t.resolves(fc.assert(property, { numRuns: 60 }))
})
