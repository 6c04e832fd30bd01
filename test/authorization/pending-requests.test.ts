import { createHash } from 'node:crypto'
import t from 'tap'
import {
  createPendingRequests,
  referenceOf,
  toRequestUri,
} from '../../src/authorization/pending-requests.ts'
import { createPendingRequestStore } from '../../src/authorization/store.ts'
import { Params } from '../../src/protocol/params.ts'
import { hashSecret } from '../../src/protocol/secrets.ts'
import { setUp as setUpNode, start } from '../tokens/setup.ts'

const params = new Params([
  ['scope', 'openid é'],
  ['resource', 'https://a.example'],
  ['state', '"\\ \u{1f511}'],
  ['resource', 'https://b.example'],
  ['prompt', ''],
])

async function setUp() {
  const node = await setUpNode()
  const { database, clock } = node
  const store = createPendingRequestStore(database)
  const pendingRequests = createPendingRequests({
    store,
    clock,
    ttlSeconds: 600,
    pushedTtlSeconds: 60,
  })
  return { ...node, pendingRequests }
}

t.test('a request that waits comes back as it was received', async (t) => {
  const { pendingRequests, clientId, clock } = await setUp()
  const reference = await pendingRequests.save(clientId, params)
  clock.advance(60)
  t.strictSame(await pendingRequests.find(reference), {
    clientId,
    parameters: params.entries(),
    createdAt: start,
    decision: undefined,
    signedInSid: undefined,
    selectedAccount: undefined,
    isPushed: false,
    isSigned: false,
    isProlonged: false,
  })
})

t.test('of what means nothing here nothing is kept', async (t) => {
  const { pendingRequests, clientId } = await setUp()
  const foreign: [string, string][] = [
    ['utm_source', 'a newsletter'],
    ['access_token', 'sent here by mistake'],
    ['__proto__', 'x'],
  ]
  const reference = await pendingRequests.save(
    clientId,
    new Params([...params.entries(), ...foreign]),
  )
  t.strictSame((await pendingRequests.find(reference))?.parameters, params.entries())
})

t.test('it waits until it expires', async (t) => {
  const { pendingRequests, clientId, clock } = await setUp()
  const reference = await pendingRequests.save(clientId, params)
  clock.advance(599.999)
  t.ok(await pendingRequests.find(reference))
  clock.advance(0.001)
  t.equal(await pendingRequests.find(reference), undefined)
})

t.test(
  'a pushed one waits for less, and as long as the others once it waits for a person',
  async (t) => {
    const { pendingRequests, clientId, clock } = await setUp()
    const visited = await pendingRequests.push(clientId, params, { isSigned: true })
    const forgotten = await pendingRequests.push(clientId, params)
    clock.advance(59.999)
    await pendingRequests.prolong(visited)
    t.match(await pendingRequests.find(visited), {
      isPushed: true,
      isSigned: true,
      isProlonged: true,
    })
    t.match(await pendingRequests.find(forgotten), { isPushed: true, isProlonged: false })
    clock.advance(0.001)
    t.equal(await pendingRequests.find(forgotten), undefined)
    await pendingRequests.prolong(forgotten)
    t.equal(await pendingRequests.find(forgotten), undefined, 'too late')
    clock.advance(599)
    await pendingRequests.prolong(visited)
    clock.advance(1)
    t.equal(await pendingRequests.find(visited), undefined, 'once only')
  },
)

t.test('one that was not pushed has all its time from the beginning', async (t) => {
  const { pendingRequests, clientId, clock } = await setUp()
  const reference = await pendingRequests.save(clientId, params, { isSigned: true })
  clock.advance(599)
  await pendingRequests.prolong(reference)
  t.match(await pendingRequests.find(reference), {
    isPushed: false,
    isSigned: true,
    isProlonged: false,
  })
  clock.advance(1)
  t.equal(await pendingRequests.find(reference), undefined)
})

t.test('the reference has 256 bits, and the database knows their SHA-256 only', async (t) => {
  const { pendingRequests, clientId, database } = await setUp()
  const reference = await pendingRequests.save(clientId, params)
  t.match(reference, /^[\w-]{43}$/)
  const [row] = await database.query<{ text: string }>(
    'select r::text as text from authorization_requests r',
  )
  t.notMatch(row!.text, reference)
  t.match(row!.text, createHash('sha256').update(reference).digest('hex'))
  t.equal(await pendingRequests.find(reference.slice(1)), undefined)
})

t.test('an answer is of one person to one request, and the last one counts', async (t) => {
  const { pendingRequests, clientId } = await setUp()
  const reference = await pendingRequests.save(clientId, params)
  const other = await pendingRequests.save(clientId, params)
  for (const decision of [
    { answer: 'denied', sub: 'alice' },
    { answer: 'allowed', sub: 'alice' },
    { answer: 'denied', sub: 'bob' },
  ] as const) {
    await pendingRequests.setDecision(reference, decision)
    t.match(await pendingRequests.find(reference), { decision })
  }
  t.match(await pendingRequests.find(other), { decision: undefined })
})

t.test('a sign-in is made for one request, and the last one counts', async (t) => {
  const { pendingRequests, clientId } = await setUp()
  const reference = await pendingRequests.save(clientId, params)
  const other = await pendingRequests.save(clientId, params)
  for (const sid of ['one', 'another']) {
    await pendingRequests.setDecision(reference, { answer: 'denied', sub: '' })
    t.match(await pendingRequests.find(reference), { decision: { answer: 'denied', sub: '' } })
    await pendingRequests.setSignIn(reference, sid)
    t.match(await pendingRequests.find(reference), { signedInSid: sid, decision: undefined })
  }
  t.match(await pendingRequests.find(other), { signedInSid: undefined })
})

t.test('a request ends with its code, which is one', async (t) => {
  const { pendingRequests, codes, newGrant, clientId, database } = await setUp()
  const codesOf = () => database.query('select code_hash from authorization_codes')
  const reference = await pendingRequests.save(clientId, params)
  const answer = () => codes.createInAnswerTo(hashSecret(reference), newGrant())
  const answers = await Promise.all([answer(), answer(), answer()])
  t.equal(answers.filter((code) => code !== undefined).length, 1, 'one winner')
  t.equal((await codesOf()).length, 1, 'and nothing of the others')
  t.equal(await pendingRequests.find(reference), undefined)
  await pendingRequests.setSignIn(reference, 'late')
  t.equal(await pendingRequests.find(reference), undefined)
})

t.test(
  'a request_uri of ours holds the reference, any other does not (RFC 9126 §2.2)',
  async (t) => {
    t.equal(toRequestUri('abc'), 'urn:ietf:params:oauth:request_uri:abc')
    t.equal(referenceOf(toRequestUri('abc')), 'abc')
    for (const other of [
      undefined,
      'abc',
      'https://app.example/r',
      'URN:ietf:params:oauth:request_uri:abc',
    ])
      t.equal(referenceOf(other), undefined, String(other))
  },
)
