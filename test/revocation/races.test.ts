/** What is being issued, on another connection, while it is revoked: it slips through nowhere (ARCHITECTURE §3.4). */
import { randomUUID } from 'node:crypto'
import { setImmediate as settle } from 'node:timers/promises'
import t from 'tap'
import { createPendingRequests } from '../../src/authorization/pending-requests.ts'
import { createPendingRequestStore } from '../../src/authorization/store.ts'
import type { Clock } from '../../src/database/clock.ts'
import type { Database, Queryable } from '../../src/database/database.ts'
import { Params } from '../../src/protocol/params.ts'
import { hashSecret } from '../../src/protocol/secrets.ts'
import { createRevocationStore } from '../../src/revocation/store.ts'
import { createIssueInstants } from '../../src/tokens/issue-instant.ts'
import { createSubjectStore } from '../../src/tokens/subject-store.ts'
import { createSubjects } from '../../src/tokens/subjects.ts'
import { toClient } from '../authorization/clients.ts'
import { act, createNode, laggingBy, secondsAfter, setUp as setUpNode } from '../tokens/setup.ts'

const everything = { scope: undefined, resources: undefined }

async function setUp() {
  const node = await setUpNode()
  const { database, clock, sub, sessions, clientId } = node
  const { secret } = await sessions.start(
    { sub, amr: [], authTime: clock.now(), after: [] },
    undefined,
  )
  const { sid } = (await sessions.find(secret))!
  const rotate = (token: string) => node.families.rotate(token, { clientId, ...everything })
  const iat = () => Math.floor(clock.now().getTime() / 1000)
  clock.advance(0.1)

  /** Does `work` on another connection, and commits it only when `meanwhile` has ended. */
  async function inFlight<Result>(
    work: (node: ReturnType<typeof createNode>, transaction: Queryable) => Promise<Result>,
    meanwhile: () => Promise<unknown>,
  ): Promise<Result> {
    return database.transaction(async (transaction) => {
      const result = await work(createNode({ ...database, ...transaction }, clock), transaction)
      await meanwhile()
      return result
    })
  }
  return { ...node, secret, sid, rotate, iat, inFlight }
}

/** Resolves when somebody waits for a lock. */
async function someoneWaits(database: Database): Promise<void> {
  for (;;) {
    const [row] = await database.query<{ waiting: number }>(
      `select count(*)::integer as waiting from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`,
    )
    if (row!.waiting > 0) return
    await settle()
  }
}

t.test('revoking a user, while a client is to know them by a new subject', async (t) => {
  const subject = 'the subject'

  t.test('whose code is being made: it is waited for', async (t) => {
    const { newGrant, sub, inFlight, revocations, iat, database } = await setUp()
    let revoking: Promise<unknown> | undefined
    const readAt = iat()
    await inFlight(
      (node) => node.codes.create(newGrant({ subject })),
      async () => {
        revoking = revocations.revokeUser(sub, act)
        await someoneWaits(database)
      },
    )
    await revoking
    t.equal(await revocations.isRevoked({ iat: readAt, sub: subject }), true)
  })

  t.test('whose code is made only then: its redemption sees the revocation', async (t) => {
    const { codes, newGrant, sub, inFlight, revocations, iat, database, ...node } = await setUp()
    const { clock, accounts } = node
    const [grant, readAt] = [newGrant({ subject }), clock.now()]
    const revoked = { kind: 'user', id: sub, notBefore: iat() + 1, reason: undefined } as const
    const times = { expiresAt: secondsAfter(clock.now(), 600), revokedAt: clock.now() }
    let creating: Promise<string> | undefined
    await inFlight(
      async (_, transaction) => {
        await accounts.markRevoked(sub, clock.now(), transaction)
        await createRevocationStore(database).append({ ...revoked, ...times }, transaction)
      },
      async () => {
        creating = codes.create(grant)
        await someoneWaits(database)
      },
    )
    const code = await creating!
    const account = (await accounts.findBySub(sub))!
    const { authTime } = (await codes.find(code))!
    const readAgain = async () => ({ account, authTime })
    await t.rejects(node.issueInstants.await({ account, authTime }, { readAt, readAgain }), {
      code: 'invalid_grant',
      detail: 'the user was revoked',
    })
    t.equal(
      await revocations.isRevoked({ iat: iat(), sub: subject }),
      false,
      'and so it need not be',
    )
  })

  t.test('and an assertion is exchanged: the user is read once more', async (t) => {
    const { subjects, sub, inFlight, revocations, iat, database } = await setUp()
    const client = toClient({ subject_type: 'pairwise' })
    let revoking: Promise<unknown> | undefined
    const readAt = iat()
    const recorded = await inFlight(
      (_, transaction) =>
        createSubjects({
          key: Buffer.alloc(32),
          store: createSubjectStore(transaction),
        }).record(client, sub),
      async () => {
        revoking = revocations.revokeUser(sub, act)
        await someoneWaits(database)
      },
    )
    await revoking
    t.equal(await revocations.isRevoked({ iat: readAt, sub: recorded }), true)
    t.equal(await subjects.record(toClient(), sub), undefined, 'a public client has none')
  })
})

t.test('revoking a client, while', async (t) => {
  t.test('a code of it is redeemed', async (t) => {
    const { codes, newGrant, families, clientId, inFlight, rotate, revocations, iat } =
      await setUp()
    const code = await codes.create(newGrant())
    const readAt = iat()
    const verdict = await inFlight(
      (node) => node.codes.consume(code, { refreshable: true }),
      () => revocations.revokeClient(clientId, act),
    )
    t.equal(verdict, 'consumed')
    t.equal(await revocations.isRevoked({ iat: readAt, client_id: clientId }), true)
    const { grantId } = (await codes.find(code))!
    t.match(await rotate(families.firstToken(grantId)), { verdict: 'unknown', reason: /revoked/ })
  })

  t.test('a refresh token of it is rotated', async (t) => {
    const { beginFamily, clientId, inFlight, rotate, revocations, families, iat } = await setUp()
    const { token } = await beginFamily()
    const readAt = iat()
    const rotation = await inFlight(
      (node) => node.families.rotate(token, { clientId, ...everything }),
      () => revocations.revokeClient(clientId, act),
    )
    if (rotation.verdict !== 'rotated') throw new Error(rotation.verdict)
    t.equal(await revocations.isRevoked({ iat: readAt, client_id: clientId }), true)
    t.match(await rotate(rotation.refreshToken), { verdict: 'unknown', reason: /revoked/ })
    t.equal(await families.findOpen(token), undefined)
  })

  t.test('a code for it is made', async (t) => {
    const { codes, newGrant, clientId, inFlight, revocations } = await setUp()
    const code = await inFlight(
      (node) => node.codes.create(newGrant()),
      () => revocations.revokeClient(clientId, act),
    )
    t.match(await codes.find(code), { isEnded: true })
    t.equal(await codes.consume(code, { refreshable: true }), 'ended')
    const later = await codes.create(newGrant())
    t.match(await codes.find(later), { isEnded: false })
    t.equal(await codes.consume(later, { refreshable: true }), 'consumed')
  })

  t.test('a person is about to sign in for it', async (t) => {
    const { clientId, inFlight, revocations, database, clock } = await setUp()
    const pendingIn = (queryable: Queryable) =>
      createPendingRequests({
        store: createPendingRequestStore(queryable),
        clock,
        ttlSeconds: 60,
        pushedTtlSeconds: 60,
      })
    const pending = pendingIn(database)
    const before = await pending.save(clientId, new Params())
    const during = await inFlight(
      (_, transaction) => pendingIn(transaction).save(clientId, new Params()),
      () => revocations.revokeClient(clientId, act),
    )
    const after = await pending.save(clientId, new Params())
    t.equal(await pending.find(before), undefined)
    t.equal(await pending.find(during), undefined)
    t.match(await pending.find(after), { clientId })
  })

  t.test('a request that has waited for a person is answered', async (t) => {
    const { codes, newGrant, clientId, revocations, database, clock } = await setUp()
    const pending = createPendingRequests({
      store: createPendingRequestStore(database),
      clock,
      ttlSeconds: 60,
      pushedTtlSeconds: 60,
    })
    const answer = async (meanwhile: () => Promise<unknown>) => {
      const reference = await pending.save(clientId, new Params())
      await meanwhile()
      return codes.createInAnswerTo(hashSecret(reference), newGrant())
    }
    t.equal(await answer(() => revocations.revokeClient(clientId, act)), undefined)
    t.type(await answer(async () => {}), 'string')
  })

  t.test('somebody waits out the second of a revocation of the user', async (t) => {
    const { accounts, codes, families, newGrant, revocations, clock, sub, clientId } = await setUp()
    await revocations.revokeUser(sub, act)
    clock.advance(0.001)
    const code = await codes.create(newGrant())
    await codes.consume(code, { refreshable: true })
    const { grantId } = (await codes.find(code))!
    const interrupted: Clock = {
      ...clock,
      async waitUntil() {
        await revocations.revokeClient(clientId, act)
      },
    }
    const origin = { account: (await accounts.findBySub(sub))!, authTime: clock.now() }
    const waiting = createIssueInstants({ clock: interrupted }).await(origin, {
      readAt: clock.now(),
      readAgain: () => families.findOpen(families.firstToken(grantId)),
    })
    await t.rejects(waiting, { code: 'invalid_grant' })
  })
})

for (const kind of ['client', 'everything'] as const)
  t.test(`who asks after ${kind} was revoked gets what counts, on a slow node too`, async (t) => {
    const { revocations, clock, clientId } = await setUp()
    const node = laggingBy(400, clock)
    const before = node.now()
    const { notBefore } =
      kind === 'client'
        ? await revocations.revokeClient(clientId, act)
        : await revocations.revokeEverything(act)
    const isRevoked = (issuedAt: Date) =>
      revocations.isRevoked({
        iat: Math.floor(issuedAt.getTime() / 1000),
        sub: clientId,
        client_id: clientId,
      })
    t.ok(clock.now() > notBefore, 'the act has waited')
    t.equal(await isRevoked(before), true)
    t.equal(await isRevoked(node.now()), false)
  })

t.test('ending a session, while', async (t) => {
  t.test('a code of it is redeemed, which is waited for', async (t) => {
    const { codes, newGrant, sid, inFlight, rotate, revocations, families, database } =
      await setUp()
    const code = await codes.create(newGrant({ sid }))
    let ending: Promise<unknown> | undefined
    await inFlight(
      (node) => node.codes.consume(code, { refreshable: true }),
      async () => {
        ending = revocations.revokeSession({ sid }, { ...act, refreshTokens: true })
        await someoneWaits(database)
      },
    )
    t.match(await ending, { ended: { sessions: 1, refresh_tokens: 1 } })
    const { grantId } = (await codes.find(code))!
    t.match(await rotate(families.firstToken(grantId)), { verdict: 'unknown', reason: /revoked/ })
  })

  t.test('a code of it is about to be redeemed, which waits', async (t) => {
    const { codes, newGrant, sid, inFlight, database, clock } = await setUp()
    const code = await codes.create(newGrant({ sid }))
    let redemption: Promise<string> | undefined
    await inFlight(
      (node, transaction) => node.logouts.endSession({ sid }, clock.now(), transaction),
      async () => {
        redemption = codes.consume(code, { refreshable: true })
        await someoneWaits(database)
      },
    )
    t.equal(await redemption, 'ended')
  })

  t.test('a code is made from it', async (t) => {
    const { codes, newGrant, sid, inFlight, revocations } = await setUp()
    const code = await inFlight(
      (node) => node.codes.create(newGrant({ sid })),
      () => revocations.revokeSession({ sid }, act),
    )
    t.match(await codes.find(code), { isEnded: true })
    t.equal(await codes.consume(code, { refreshable: true }), 'ended')
  })

  t.test('its person signs in anew', async (t) => {
    const { sessions, secret, sub, sid, clock, inFlight, revocations, database } = await setUp()
    let ending: Promise<unknown> | undefined
    const again = await inFlight(
      (node) => node.sessions.start({ sub, amr: [], authTime: clock.now(), after: [] }, secret),
      async () => {
        ending = revocations.revokeSession({ sid }, act)
        await someoneWaits(database)
      },
    )
    t.match(await ending, { ended: { sessions: 1 } })
    t.equal(await sessions.find(again.secret), undefined)
  })
})

t.test(
  'ending a session, while a client of it is deleted, begins again after a deadlock',
  async (t) => {
    const { codes, newGrant, sid, clientId, revocations, database } = await setUp()
    const code = await codes.create(newGrant({ sid }))
    await codes.consume(code, { refreshable: false, listensForLogout: true })
    let ending: Promise<unknown> | undefined
    await database
      .transaction(async (transaction) => {
        // As a deletion does: first the client, then what belongs to it.
        await transaction.query('select 1 from clients where client_id = $1 for update', [clientId])
        ending = revocations.revokeSession({ sid }, act)
        await someoneWaits(database)
        await transaction.query('delete from session_clients where client_id = $1', [clientId])
      })
      .catch(() => {}) // whichever of the two is ended
    t.match(await ending, { ended: { sessions: 1 } })
  },
)

t.test('ending a grant, while its refresh token is rotated, which is waited for', async (t) => {
  const { beginFamily, clientId, inFlight, rotate, revocations, database, iat } = await setUp()
  const { token, grantId } = await beginFamily()
  let ending: Promise<unknown> | undefined
  const rotation = await inFlight(
    (node) => node.families.rotate(token, { clientId, ...everything }),
    async () => {
      ending = revocations.revokeGrant(grantId, act)
      await someoneWaits(database)
    },
  )
  t.match(await ending, { ended: { refresh_tokens: 1 } })
  if (rotation.verdict !== 'rotated') throw new Error(rotation.verdict)
  t.match(await rotate(rotation.refreshToken), { verdict: 'unknown', reason: /revoked/ })
  t.equal(await revocations.isRevoked({ iat: iat() + 1, grant_id: grantId }), true)
})

t.test('a grant that nobody knows is recorded all the same', async (t) => {
  const { revocations, iat } = await setUp()
  const grantId = randomUUID()
  t.match(await revocations.revokeGrant(grantId, act), { ended: { refresh_tokens: 0 } })
  t.equal(await revocations.isRevoked({ iat: iat(), grant_id: grantId }), true)
})
