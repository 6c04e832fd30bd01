/** The rooms that issue, over a database of their own and as the services build them, without HTTP and signing keys. */
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { createAssertionStore } from '../../src/client-auth/store.ts'
import { readConfig, type Environment } from '../../src/config.ts'
import type { Clock } from '../../src/database/clock.ts'
import type { Database } from '../../src/database/database.ts'
import { createAdminServices } from '../../src/services/admin.ts'
import { createSessionStore } from '../../src/sessions/store.ts'
import { createCodeStore } from '../../src/tokens/code-store.ts'
import { createCodes, type CodeGrant } from '../../src/tokens/codes.ts'
import { createDeviceCodeStore } from '../../src/tokens/device-code-store.ts'
import { createDeviceCodes } from '../../src/tokens/device-codes.ts'
import { createEndGrant } from '../../src/tokens/end-grant.ts'
import { createFamilyStore } from '../../src/tokens/family-store.ts'
import { createIssueInstants } from '../../src/tokens/issue-instant.ts'
import { createRefreshFamilies } from '../../src/tokens/refresh-families.ts'
import { createRefreshTokenFormat } from '../../src/tokens/refresh-token.ts'
import { createSubjectStore } from '../../src/tokens/subject-store.ts'
import { createSubjects } from '../../src/tokens/subjects.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

export const start = new Date('2026-01-02T03:04:05.200Z')

export const secondsAfter = (instant: Date, seconds: number) =>
  new Date(instant.getTime() + seconds * 1000)

const inHalfADay = (clock: TestClock) => secondsAfter(clock.now(), 12 * 3600)

/** Who revokes, where that does not matter. */
export const act = { actor: 'ada' }

const refreshTokenKey = randomBytes(32)
const subjectKey = randomBytes(32)

/** One node: everything of its own but the database. */
export function createNode(database: Database, clock: Clock, environment: Environment = {}) {
  const config = readConfig(environment)
  const admin = createAdminServices({ config, database, clock })
  const store = createFamilyStore(database)
  const families = createRefreshFamilies({
    store,
    format: createRefreshTokenFormat({ key: refreshTokenKey }),
    clock,
    settings: config,
  })
  return {
    ...admin,
    store,
    families,
    codes: createCodes({ store: createCodeStore(database), clock, settings: config }),
    deviceCodes: createDeviceCodes({
      store: createDeviceCodeStore(database),
      clock,
      settings: config,
    }),
    subjects: createSubjects({ key: subjectKey, store: createSubjectStore(database) }),
    assertions: createAssertionStore(database),
    issueInstants: createIssueInstants({ clock }),
    endGrant: createEndGrant({ revocations: admin.revocations }),
  }
}

let shared: Promise<TestDatabase> | undefined

/** The one database of a test file, emptied. */
async function emptyDatabase(): Promise<TestDatabase> {
  shared ??= createTestDatabase(t)
  const database = await shared
  for (const table of [
    'users',
    'clients',
    'resources',
    'revocations',
    'everything_revoked',
    'audit_events',
    'signing_keys',
  ])
    await database.query(`delete from ${table}`)
  return database
}

/** A node with a client, a user and a resource, for one test after the other. */
export async function setUp(environment: Environment = {}) {
  const database = await emptyDatabase()
  const clock = createTestClock(start)
  const node = createNode(database, clock, environment)
  const { clientId } = await createClient(node)
  const { sub } = await node.accounts.create({ email: 'alice@example.com' })
  await node.resources.create({ resource: 'https://a.example', name: 'A' })

  /** What every grant here is of; no code of a session that has ended gives anything. */
  async function beginSession(of = sub) {
    const times = { authTime: clock.now(), createdAt: clock.now(), expiresAt: inHalfADay(clock) }
    const signIn = { sessionHash: randomBytes(32), sub: of, amr: ['pwd'], ...times }
    await createSessionStore(database).insert('the sid', signIn)
  }
  await beginSession()

  /** What an authorization gave just now; `changes` as far as they matter. */
  const newGrant = (changes: Partial<CodeGrant> = {}): Omit<CodeGrant, 'grantId'> => ({
    clientId,
    sub,
    subject: undefined,
    sid: 'the sid',
    scope: ['openid', 'email', 'offline_access'],
    resources: ['https://a.example'],
    authTime: clock.now(),
    amr: ['pwd'],
    redirectUri: 'https://app.example/cb',
    nonce: 'the nonce',
    codeChallenge: 'the challenge',
    ...changes,
  })

  /** A refresh family that a redeemed code began, and its first token. */
  async function beginFamily(changes: Partial<CodeGrant> = {}) {
    await beginSession(changes.sub)
    const code = await node.codes.create(newGrant(changes))
    await node.codes.consume(code, { refreshable: true })
    const { grantId } = (await node.codes.find(code))!
    return { grantId, token: node.families.firstToken(grantId) }
  }

  return { ...node, database, clock, clientId, sub, newGrant, beginFamily }
}

export async function createClient({ clients }: Pick<ReturnType<typeof createNode>, 'clients'>) {
  const { client } = await clients.create({
    redirect_uris: ['https://app.example/cb'],
    grant_types: ['authorization_code', 'refresh_token'],
  })
  return client
}

/** The clock of a node that lags behind the database's. */
export function laggingBy(milliseconds: number, clock: TestClock): Clock {
  return {
    now: () => secondsAfter(clock.now(), -milliseconds / 1000),
    databaseNow: () => clock.databaseNow(),
    waitUntil: (instant) => clock.waitUntil(secondsAfter(instant, milliseconds / 1000)),
  }
}
