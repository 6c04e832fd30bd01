import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { RefreshFamilies, RefreshFamily, Rotation } from '../../src/tokens/refresh-families.ts'
import { act, createNode, laggingBy, secondsAfter, setUp, start } from './setup.ts'

const everything = { scope: undefined, resources: undefined }

/** Rotates, and answers the successor of a token that had one. */
async function next(families: RefreshFamilies, token: string, clientId: string): Promise<string> {
  const rotation = await families.rotate(token, { clientId, ...everything })
  if ('refreshToken' in rotation) return rotation.refreshToken
  throw new Error(`the verdict was ${rotation.verdict}`)
}

async function setUpFamily(...environment: Parameters<typeof setUp>) {
  const world = await setUp(...environment)
  const { grantId, token } = await world.beginFamily()
  const rotate = (one: string, asked: { scope?: string[]; resources?: string[] } = {}) =>
    world.families.rotate(one, { clientId: world.clientId, ...everything, ...asked })
  return { ...world, grantId, token, rotate }
}

const pick = ({ scope, resources }: RefreshFamily) => ({ scope, resources })
const verdicts = (rotations: Rotation[]) => rotations.map(({ verdict }) => verdict)

t.test('every use makes the next generation, of the same grant (RFC 9700 §4.14)', async (t) => {
  const { rotate, token, grantId, clientId, sub, clock, families } = await setUpFamily()
  clock.advance(100)
  const first = await rotate(token)
  if (first.verdict !== 'rotated') throw new Error(first.verdict)
  const { account, ...family } = first.family
  t.strictSame(family, {
    grantId,
    clientId,
    sub,
    subject: undefined,
    sid: 'the sid',
    scope: ['openid', 'email', 'offline_access'],
    resources: ['https://a.example'],
    authTime: start,
    amr: ['pwd'],
    acr: undefined,
    claims: undefined,
    authorizationDetails: undefined,
    confirmation: undefined,
    generation: 2,
    rotatedAt: clock.now(),
    expiresAt: secondsAfter(clock.now(), 30 * 86_400),
    revokedAt: undefined,
    sessionEndedAt: undefined,
  })
  t.hasStrict(account, { sub, email: 'alice@example.com' })
  const second = await next(families, token, clientId)
  const third = await next(families, second, clientId)
  t.equal(new Set([token, second, third]).size, 3)
})

t.test(
  'the generation before gets the same successor, in a window that begins once (§3.6)',
  async (t) => {
    const { rotate, token, families, clientId, clock } = await setUpFamily()
    clock.advance(100)
    const successor = await next(families, token, clientId)
    for (const seconds of [0, 15, 14.999]) {
      clock.advance(seconds)
      t.match(
        await rotate(token),
        { verdict: 'replayed', refreshToken: successor },
        `${seconds} s on`,
      )
    }
    clock.advance(0.001)
    t.match(await rotate(token), { verdict: 'reused' }, 'thirty seconds after the first rotation')
    t.match(await rotate(successor), { verdict: 'rotated' }, 'the verdict alone ends nothing')
  },
)

t.test('the generation before is reused once its successor was used, window or not', async (t) => {
  const { rotate, token, families, clientId } = await setUpFamily()
  const second = await next(families, token, clientId)
  await next(families, second, clientId)
  t.match(await rotate(token), { verdict: 'reused' })
  t.match(await rotate(second), { verdict: 'replayed' })
})

t.test('without a window every second use is reuse', async (t) => {
  const { rotate, token } = await setUpFamily({ CLAVIGER_REFRESH_REPLAY_WINDOW_SECONDS: '0' })
  t.strictSame(verdicts([await rotate(token), await rotate(token)]), ['rotated', 'reused'])
})

t.test('simultaneous rotations of one token give one successor, on whatever node', async (t) => {
  const { rotate, token, database, clock, clientId } = await setUpFamily()
  const node = createNode(database, laggingBy(50, clock))
  const rotations = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      index % 2 === 0 ? rotate(token) : node.families.rotate(token, { clientId, ...everything }),
    ),
  )
  t.strictSame(verdicts(rotations).toSorted(), [...Array(7).fill('replayed'), 'rotated'])
  const successors = rotations.map((one) =>
    'refreshToken' in one ? one.refreshToken : one.verdict,
  )
  t.equal(new Set(successors).size, 1)
})

t.test('asking for more than was granted does not use the token up (RFC 6749 §6)', async (t) => {
  const { rotate, token } = await setUpFamily()
  t.strictSame(await rotate(token, { scope: ['openid', 'phone'] }), { verdict: 'scope-exceeded' })
  t.strictSame(await rotate(token, { resources: ['https://c.example'] }), {
    verdict: 'resource-exceeded',
  })
  const narrowed = await rotate(token, { scope: ['email'], resources: [] })
  const granted = { scope: ['openid', 'email', 'offline_access'], resources: ['https://a.example'] }
  t.strictSame('family' in narrowed && pick(narrowed.family), granted)
})

t.test('of several resources those wanted must be named before anything is rotated', async (t) => {
  const { families, clientId, beginFamily } = await setUp()
  const resources = ['https://a.example', 'https://b.example']
  const { token } = await beginFamily({ resources })
  const unnamed = { clientId, ...everything }
  t.strictSame(await families.rotate(token, unnamed), { verdict: 'resources-unnamed', resources })
  for (const named of [resources.toReversed(), resources.slice(1)]) {
    const { token: another } = await beginFamily({ resources })
    t.match(await families.rotate(another, { ...unnamed, resources: named }), {
      verdict: 'rotated',
      family: { generation: 2, resources },
    })
    t.match(await families.rotate(another, unnamed), { verdict: 'replayed' })
  }
})

t.test('asking for more with the generation before does not count as reuse', async (t) => {
  const { rotate, token } = await setUpFamily()
  await rotate(token)
  t.strictSame(await rotate(token, { scope: ['phone'] }), { verdict: 'scope-exceeded' })
})

t.test(
  'a token is for its own client, and another one does not use it up (RFC 6749 §6)',
  async (t) => {
    const { rotate, token, families } = await setUpFamily()
    const asOther = await families.rotate(token, { clientId: 'other', ...everything })
    t.match(asOther, { verdict: 'unknown', reason: /another client/ })
    t.match(await rotate(token), { verdict: 'rotated', family: { generation: 2 } })
  },
)

t.test('a token that is not ours, or of no family, is unknown', async (t) => {
  const { rotate, token, families } = await setUpFamily()
  t.match(await rotate(token.toUpperCase()), { verdict: 'unknown' })
  t.match(await rotate(families.firstToken(randomUUID())), { verdict: 'unknown' })
})

t.test('a token expires unused, and at the latest when its family does', async (t) => {
  const { rotate, token, families, clientId, clock } = await setUpFamily({
    CLAVIGER_REFRESH_TOKEN_IDLE_TTL_SECONDS: '100',
    CLAVIGER_REFRESH_TOKEN_TTL_SECONDS: '250',
  })
  clock.advance(99.999)
  const second = await next(families, token, clientId)
  clock.advance(99.999)
  const third = await next(families, second, clientId)
  t.hasStrict(await families.findLive(third), { expiresAt: secondsAfter(start, 250) })
  clock.advance(50.001)
  const fourth = await next(families, third, clientId) // a millisecond before the end
  clock.advance(0.001)
  t.match(await rotate(fourth), { verdict: 'unknown', reason: /expired/ })
})

t.test('a token that was not used in time is unknown', async (t) => {
  const { rotate, token, clock } = await setUpFamily({
    CLAVIGER_REFRESH_TOKEN_IDLE_TTL_SECONDS: '100',
  })
  clock.advance(100)
  t.match(await rotate(token), { verdict: 'unknown', reason: /expired/ })
})

t.test('the user decides: disabled, revoked, signed in again', async (t) => {
  const { rotate, token, accounts, sub, clock, revocations, beginFamily } = await setUpFamily()
  await accounts.disable(sub)
  t.match(await rotate(token), { verdict: 'unknown', reason: /disabled/ })
  await accounts.enable(sub)
  t.match(await rotate(token), { verdict: 'rotated' })

  await revocations.revokeUser(sub, act)
  t.match(await rotate(token), { verdict: 'unknown', reason: /revoked/ }, 'the generation before')
  const during = await beginFamily()
  t.match(await rotate(during.token), { verdict: 'unknown' }, 'signed in at that very instant')
  clock.advance(0.001)
  const later = await beginFamily()
  t.match(await rotate(later.token), { verdict: 'rotated' }, 'signed in a moment later')
})

t.test('a revoked family is unknown, each of its generations', async (t) => {
  const { rotate, token, families, clientId, grantId, beginFamily, endGrant } = await setUpFamily()
  const other = await beginFamily()
  const second = await next(families, token, clientId)
  await endGrant(grantId, 'a test')
  for (const one of [token, second])
    t.match(await rotate(one), { verdict: 'unknown', reason: /family was revoked/ })
  t.match(await rotate(other.token), { verdict: 'rotated' }, 'another family of the same user')
})

t.test('ending a grant ends its refresh tokens and its access tokens', async (t) => {
  const { rotate, token, grantId, sub, endGrant, revocations, clock, beginFamily } =
    await setUpFamily()
  const other = await beginFamily()
  const iat = Math.floor(clock.now().getTime() / 1000)
  await endGrant(grantId, 'a test')
  t.match(await rotate(token), { verdict: 'unknown' })
  t.equal(await revocations.isRevoked({ iat, sub, grant_id: grantId }), true)
  t.equal(await revocations.isRevoked({ iat, sub, grant_id: other.grantId }), false)
  t.match(await rotate(other.token), { verdict: 'rotated' })
})

t.test('what would be accepted can be found, for introspection and revocation', async (t) => {
  const { token, families, clientId, grantId, clock, endGrant } = await setUpFamily()
  t.match(await families.findLive(token), { grantId, generation: 1 })
  const second = await next(families, token, clientId)
  t.match(await families.findLive(token), { generation: 2 }, 'the one before, in its window')
  clock.advance(30)
  t.equal(await families.findLive(token), undefined, 'the one before, after its window')
  t.match(await families.find(token), { generation: 2 }, 'though its family is known')
  t.match(await families.findLive(second), { generation: 2 })
  t.equal(await families.find(families.firstToken(randomUUID())), undefined)
  await endGrant(grantId, 'a test')
  t.equal(await families.findLive(second), undefined)
  t.hasStrict(await families.find(second), { revokedAt: clock.now() })
})

t.test('the database holds no refresh token, in clear or hashed', async (t) => {
  const { database, token } = await setUpFamily()
  const [row] = await database.query<{ text: string }>(
    'select f::text as text from refresh_families f',
  )
  const mac = Buffer.from(token, 'base64url').subarray(20)
  t.notMatch(row!.text, token)
  t.notMatch(row!.text, mac.toString('hex'))
})
