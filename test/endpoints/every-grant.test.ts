/** The tokens of every grant, bound and not, at introspection and revocation, and what each revocation ends of them. */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import t from 'tap'
import { grantTypeNames } from '../../src/grants/index.ts'
import { jwtBearerGrant } from '../../src/protocol/grant-types.ts'
import { originOf } from '../../src/tokens/own-tokens.ts'
import { answerDevice, poll, startDevice } from '../support/device.ts'
import { createDpopKey } from '../support/dpop.ts'
import {
  authorize,
  introspect,
  post,
  redeem,
  refresh,
  startSession,
  toTokens,
  type Party,
} from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { exchange, idTokenType } from '../support/token-exchange.ts'

const provider = await createTestProvider(t)
const { issuer, clock, services } = provider
const { revocations, revocationFeed } = services
const partner = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = await createDpopKey(provider)
const scope = 'openid offline_access'
const act = { actor: 'ada' }

interface Held {
  owner: Party
  access: string
  refresh?: string
}

/** With a user and clients of its own. */
async function obtainAll() {
  clock.advance(2)
  const { sub } = await services.accounts.create({ email: `${randomUUID()}@example.com` })
  const browser = await startSession(provider, sub)
  const client = await provider.createClient({
    skip_consent: true,
    grant_types: grantTypeNames,
    scope,
    token_exchange: { audiences: [issuer], delegation: 'none' },
    assertion_issuers: [
      {
        issuer: 'https://partner.example',
        jwks: { keys: [partner.publicKey.export({ format: 'jwk' })] },
        subject: 'sub',
      },
    ],
  })
  const agent = await provider.createClient({
    skip_consent: true,
    token_endpoint_auth_method: 'none',
  })

  const codeOf = async (party: Party) => (await authorize(provider, browser, party, { scope })).code
  const tokens = toTokens(await redeem(provider, client, await codeOf(client)))
  const forRefresh = toTokens(await redeem(provider, client, await codeOf(client)))
  const refreshed = toTokens(await refresh(provider, client, forRefresh.refresh_token))
  const dpop = await key.prove('POST /token')
  const bound = toTokens(await redeem(provider, agent, await codeOf(agent), {}, { dpop }))
  const device = await startDevice(provider, client, { scope })
  await answerDevice(provider, browser, device)
  const ofDevice = toTokens(await poll(provider, client, device))
  const now = Math.floor(clock.now().getTime() / 1000)
  const assertion = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer('https://partner.example')
    .setSubject(sub)
    .setAudience(issuer)
    .setIssuedAt(now)
    .setExpirationTime(now + 60)
    .sign(partner.privateKey)
  const asked = async (grant_type: string, fields = {}) =>
    toTokens(await post(provider, '/token', client, { grant_type, ...fields })).access_token
  const exchanged = async (fields: Record<string, string>) =>
    toTokens(await exchange(provider, client, fields)).access_token

  const held: Record<string, Held> = {
    code: { owner: client, access: tokens.access_token, refresh: tokens.refresh_token },
    'code, bound': { owner: agent, access: bound.access_token, refresh: bound.refresh_token },
    refresh: { owner: client, access: refreshed.access_token, refresh: refreshed.refresh_token },
    device: { owner: client, access: ofDevice.access_token, refresh: ofDevice.refresh_token },
    service: { owner: client, access: await asked('client_credentials') },
    assertion: { owner: client, access: await asked(jwtBearerGrant, { assertion }) },
    exchange: { owner: client, access: await exchanged({ subject_token: tokens.access_token }) },
    'exchange of an ID token': {
      owner: client,
      access: await exchanged({ subject_token: tokens.id_token, subject_token_type: idTokenType }),
    },
  }
  return { sub, client, agent, held }
}

type Scene = Awaited<ReturnType<typeof obtainAll>>

const observer = await provider.createClient()

/** Of which access tokens and refresh tokens introspection says that they count; each node's memory agrees. */
async function findActive({ held }: Scene) {
  await revocationFeed.load()
  const active = { access: new Set<string>(), refresh: new Set<string>() }
  for (const [name, { owner, access, refresh: token }] of Object.entries(held)) {
    const { active: counts } = await introspect(provider, observer, access)
    if (counts === true) active.access.add(name)
    const origin = originOf(decodeProtectedHeader(access), decodeJwt(access))
    if (revocationFeed.isRevoked(origin) === counts) throw new Error(`${name}: the feed differs`)
    // A public client may not introspect, and finds out when it refreshes.
    if (token === undefined || owner.secret === '') continue
    if ((await introspect(provider, owner, token))['active'] === true) active.refresh.add(name)
  }
  return { access: [...active.access], refresh: [...active.refresh] }
}

const grants = Object.keys((await obtainAll()).held)
const refreshable = ['code', 'refresh', 'device']
const without = (...names: string[]) => grants.filter((name) => !names.includes(name))

t.test('introspection tells of each what it is (RFC 7662 §2.2, RFC 9449 §6.2)', async (t) => {
  const scene = await obtainAll()
  t.strictSame(await findActive(scene), { access: grants, refresh: refreshable })
  for (const [name, { owner, access }] of Object.entries(scene.held)) {
    const isBound = name === 'code, bound'
    const told = await introspect(provider, observer, access)
    t.match(told, {
      sub: name === 'service' ? owner.clientId : scene.sub,
      client_id: owner.clientId,
      token_type: isBound ? 'DPoP' : 'Bearer',
      ...(isBound && { cnf: { jkt: key.jkt } }),
    })
    t.equal('cnf' in told, isBound, name)
  }
})

t.test('each is revoked by its client, and what was exchanged for it (RFC 7009)', async (t) => {
  const scene = await obtainAll()
  let left = grants
  for (const name of grants) {
    const { owner, access: token } = scene.held[name]!
    t.equal((await post(provider, '/revoke', owner, { token })).status, 200)
    const ended = name === 'code' ? ['code', 'exchange'] : [name]
    left = left.filter((one) => !ended.includes(one))
    t.strictSame(await findActive(scene), { access: left, refresh: refreshable }, name)
  }
})

t.test('a refresh token takes the access tokens of its grant along (RFC 7009 §2.1)', async (t) => {
  const scene = await obtainAll()
  for (const { owner, refresh: token } of Object.values(scene.held))
    if (token !== undefined) await post(provider, '/revoke', owner, { token })
  const access = ['service', 'assertion', 'exchange of an ID token']
  t.strictSame(await findActive(scene), { access, refresh: [] })
  const { owner, refresh: token = '' } = scene.held['code, bound']!
  const dpop = await key.prove('POST /token')
  t.match(await refresh(provider, owner, token, {}, { dpop }), { status: 400 })
})

const sidOf = ({ held }: Scene) => String(decodeJwt(held['code']!.access)['sid'])

const ends: [what: string, (scene: Scene) => Promise<unknown>, left: string[]][] = [
  ['the user', ({ sub }) => revocations.revokeUser(sub, act), ['service']],
  [
    'the session',
    (scene) => revocations.revokeSession({ sid: sidOf(scene) }, { ...act, refreshTokens: true }),
    ['service', 'assertion'],
  ],
  ['the client', ({ client }) => revocations.revokeClient(client.clientId, act), ['code, bound']],
  [
    'the public client',
    ({ agent }) => revocations.revokeClient(agent.clientId, act),
    without('code, bound'),
  ],
  ['everything', () => revocations.revokeEverything(act), []],
]
for (const [what, end, left] of ends)
  t.test(`the revocation of ${what}`, async (t) => {
    const scene = await obtainAll()
    await end(scene)
    t.strictSame(await findActive(scene), {
      access: left,
      refresh: refreshable.filter((name) => left.includes(name)),
    })
  })
