import t from 'tap'
import { covers, createConsents, type Consent } from '../../src/consents/consents.ts'
import { createConsentStore } from '../../src/consents/store.ts'
import { createClient, secondsAfter, setUp as setUpNode, start } from '../tokens/setup.ts'

async function setUp() {
  const node = await setUpNode()
  const consents = createConsents({ store: createConsentStore(node.database), clock: node.clock })
  const { secret } = await node.sessions.start(
    { sub: node.sub, amr: [], authTime: start, after: [] },
    undefined,
  )
  const remembered = async (clientId = node.clientId) =>
    (await node.sessions.findWithConsent(secret, clientId)).consent
  const grant = (scope: string[], resources: string[] = [], claims: string[] = []) =>
    consents.grant(node.sub, node.clientId, { scope, resources, claims })
  return { ...node, consents, remembered, grant }
}

t.test('what was allowed later adds to what was allowed before', async (t) => {
  const { grant, remembered, clock } = await setUp()
  await grant(['openid', 'email'], ['https://a.example'], ['nickname'])
  clock.advance(10)
  await grant(['openid', 'profile'], ['https://b.example', 'https://a.example'], ['gender'])
  t.strictSame(await remembered(), {
    scope: ['email', 'openid', 'profile'],
    resources: ['https://a.example', 'https://b.example'],
    claims: ['gender', 'nickname'],
    grantedAt: secondsAfter(start, 10),
  })
})

t.test('nothing is lost when two are given at once', async (t) => {
  const { grant, remembered } = await setUp()
  const scopes = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  await Promise.all(scopes.map((scope) => grant([scope])))
  t.strictSame((await remembered())?.scope, scopes)
})

t.test('a consent is for one client', async (t) => {
  const { grant, remembered, clients } = await setUp()
  const other = await createClient({ clients })
  await grant(['openid'])
  t.ok(await remembered())
  t.equal(await remembered(other.clientId), undefined)
})

t.test('what is asked for is covered when all of it was allowed', async (t) => {
  const consent: Consent = {
    scope: ['a', 'b', 'email'],
    resources: ['https://a.example'],
    claims: ['name'],
    grantedAt: start,
  }
  const rows: [scope: string[], resources: string[], isCovered: boolean, claims?: string[]][] = [
    [[], [], true],
    [['a'], [], true],
    [['b', 'a'], ['https://a.example'], true],
    [['a', 'c'], [], false],
    [['A'], [], false],
    [['a'], ['https://a.example/'], false],
    [['https://a.example'], [], false],
    [['name'], [], false],
    [[], [], true, ['name']],
    [[], [], false, ['name', 'nickname']],
    [[], [], true, ['email_verified', 'a']], // with the scopes that give them
    [[], [], false, ['openid']],
  ]
  for (const [scope, resources, isCovered, claims = []] of rows)
    t.equal(
      covers(consent, { scope, resources, claims }),
      isCovered,
      `${scope.join()} ${resources.join()} ${claims.join()}`,
    )
})
