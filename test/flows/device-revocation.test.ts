/** What a device was allowed ends with what it was allowed by (RFC 8628, ARCHITECTURE §3.4). */
import { decodeJwt } from 'jose'
import t, { type Test } from 'tap'
import { answerDevice, deviceClient, enterCode, poll, startDevice } from '../support/device.ts'
import { introspect, post, refresh, startSession, toTokens } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'

const act = { actor: 'ada' }
const refused = (error: string) => ({ status: 400, body: { error } })

async function setUp(t: Test) {
  const provider = await createTestProvider(t)
  const user = await provider.createUser()
  return { provider, user, client: await provider.createClient(deviceClient) }
}

t.test('a revocation between the allowance and the redemption', async (t) => {
  const { provider, user, client } = await setUp(t)
  const { revocations, clients, sessions, accounts } = provider.services
  const ends: Record<string, () => Promise<unknown>> = {
    'of the user': () => revocations.revokeUser(user.sub, act),
    'of everything': () => revocations.revokeEverything(act),
    'of the client': () => revocations.revokeClient(client.clientId, act),
    'of the session': async () =>
      revocations.revokeSession({ sid: (await sessions.list(user.sub))[0]!.sid }, act),
    'of the session, by signing out': async () =>
      sessions.endBySid({ sub: user.sub, sid: (await sessions.list(user.sub))[0]!.sid }),
    'as the user is disabled': () => accounts.disable(user.sub),
  }
  for (const [what, end] of Object.entries(ends)) {
    provider.clock.advance(60)
    for (const { sid } of await sessions.list(user.sub))
      await revocations.revokeSession({ sid }, act)
    const browser = await startSession(provider, user.sub)
    const device = await startDevice(provider, client)
    t.match((await answerDevice(provider, browser, device)).status, 200)
    await end()
    t.match(await poll(provider, client, device), refused('invalid_grant'), what)
    provider.clock.advance(2)
    t.match(await poll(provider, client, device), refused('invalid_grant'), `${what}, later`)
  }
  await accounts.enable(user.sub)
  await clients.disable(client.clientId)
  const { status } = await post(provider, '/device_authorization', client, {})
  t.equal(status, 401, 'a client that is disabled starts none')
})

t.test('a revocation after the redemption ends what it gave', async (t) => {
  const { provider, user, client } = await setUp(t)
  const { revocations } = provider.services
  const ends: Record<string, (claims: Record<string, unknown>) => Promise<unknown>> = {
    user: () => revocations.revokeUser(user.sub, act),
    client: () => revocations.revokeClient(client.clientId, act),
    session: ({ sid }) =>
      revocations.revokeSession({ sid: String(sid) }, { ...act, refreshTokens: true }),
    grant: ({ grant_id }) => revocations.revokeGrant(String(grant_id), act),
  }
  for (const [kind, end] of Object.entries(ends)) {
    provider.clock.advance(60)
    const device = await startDevice(provider, client)
    await answerDevice(provider, await startSession(provider, user.sub), device)
    const tokens = toTokens(await poll(provider, client, device))
    await end(decodeJwt(tokens.access_token))
    t.strictSame(await introspect(provider, client, tokens.access_token), { active: false }, kind)
    t.match(await refresh(provider, client, tokens.refresh_token), refused('invalid_grant'), kind)
  }
})

t.test('a code from before its client was revoked can no more be entered', async (t) => {
  const { provider, user, client } = await setUp(t)
  const browser = await startSession(provider, user.sub)
  const device = await startDevice(provider, client)
  await provider.services.revocations.revokeClient(client.clientId, act)
  t.match(await poll(provider, client, device), refused('invalid_grant'))
  t.equal((await enterCode(provider, browser, device.user_code)).status, 400)
})
