/** A database of the release before goes on after its migration, and the release before goes on beside it. */
import { decodeJwt } from 'jose'
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { createServerSecretStore } from '../../src/keys/server-secret-store.ts'
import { loadServerSecret } from '../../src/keys/server-secret.ts'
import { createRefreshTokenFormat } from '../../src/tokens/refresh-token.ts'
import { createTestDatabase } from '../support/database.ts'
import {
  authorizationUrl,
  challenge,
  redeem,
  refresh,
  toTokens,
  userinfo,
} from '../support/flow.ts'
import {
  createDeliveringNode,
  createLogoutReceiver,
  verifyLogoutToken,
} from '../support/logout-receiver.ts'
import { createTestProvider, redirectUri } from '../support/provider.ts'
import { createReleaseBefore, migrateAsBefore, migrateToNow } from '../support/release-before.ts'
import { createUserAgent } from '../support/user-agent.ts'

const receiver = await createLogoutReceiver(t)
const database = await createTestDatabase(t, { empty: true })
await migrateAsBefore(t, database)

const clients = {
  web: { clientId: 'web', secret: 'a secret of the web application' },
  spa: { clientId: 'spa', secret: '' },
}
const scope = ['openid', 'email', 'offline_access']
/** As that release stored it, with the defaults it knew. */
const metadata = {
  application_type: 'web',
  redirect_uris: [redirectUri],
  post_logout_redirect_uris: [],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'client_secret_basic',
  scope: 'openid profile email offline_access',
  id_token_signed_response_alg: 'RS256',
  require_auth_time: false,
  skip_consent: false,
  backchannel_logout_uri: receiver.uri,
}
const before = createReleaseBefore(database, new Date(Math.floor(Date.now() / 1000) * 1000))
const sub = randomUUID()
const parties = {
  web: { sub, sid: randomUUID(), clientId: 'web' },
  spa: { sub, sid: randomUUID(), clientId: 'spa' },
}
const codeOf = () => ({ grantId: randomUUID(), scope, redirectUri, challenge })
const requested: [string, string][] = [
  ...new URL(authorizationUrl({ issuer: 'http://x' }, clients.web, { scope: scope.join(' ') }))
    .searchParams,
]

await before.insertUser(sub, 'alice@example.com')
await before.insertClient('web', clients.web.secret, metadata)
await before.insertClient('spa', '', { ...metadata, token_endpoint_auth_method: 'none' })
await before.insertSession('a session', parties.web)
await before.insertSession('another session', parties.spa)
await before.mergeConsent(parties.web, scope)
await before.insertRequest('waiting', 'web', requested)
const families = { web: codeOf(), spa: codeOf() }
await before.insertCode('used', parties.web, families.web)
await before.consumeCode('used')
await before.insertCode('used by the spa', parties.spa, families.spa)
await before.consumeCode('used by the spa')
await before.insertCode('waiting', parties.web, codeOf())
const ended = { ...parties.web, sid: randomUUID() }
await before.insertSession('a session that ends', ended)
await before.insertCode('of a session that ends', ended, codeOf())
await before.consumeCode('of a session that ends')
await before.endSession(ended)

const applied = await migrateToNow(database)

const provider = await createTestProvider(t, {}, { database })
const { issuer, services } = provider
const { deriveKey } = await loadServerSecret({
  store: createServerSecretStore(database),
  vault: services.vault,
})
const { format, parse } = createRefreshTokenFormat({ key: deriveKey('refresh tokens') })

function browserWith(session: string) {
  const browser = createUserAgent(issuer)
  browser.cookies.set('claviger-session', session)
  return browser
}

t.test('what the release before has stored goes on', async (t) => {
  t.equal(applied[0], '0014_whole_grants.sql')

  t.test('refresh tokens, without anything that it did not know', async (t) => {
    for (const name of ['web', 'spa'] as const) {
      const token = format(families[name].grantId, 1)
      const tokens = toTokens(await refresh(provider, clients[name], token))
      const claims = decodeJwt(tokens.access_token)
      t.strictSame(
        [claims.sub, claims['cnf'], claims['authorization_details']],
        [sub, undefined, undefined],
      )
      t.equal(tokens.scope, scope.join(' '))
      t.match(await userinfo(provider, tokens.access_token), {
        body: { email: 'alice@example.com' },
      })
    }
  })

  t.test('a code that was not redeemed yet', async (t) => {
    const tokens = toTokens(await redeem(provider, clients.web, 'waiting'))
    t.match(decodeJwt(tokens.id_token), { sub, sid: parties.web.sid })
    const hinted = await browserWith('a session').open(
      authorizationUrl(provider, clients.web, { id_token_hint: tokens.id_token, prompt: 'none' }),
    )
    t.ok(new URL(hinted.url).searchParams.get('code'), 'and the session with its consent')
  })

  t.test('a request that waits for a person', async (t) => {
    const browser = browserWith('another session')
    const page = await browser.open(`${issuer}/consent?request=waiting`)
    t.notMatch(page.html, 'expired', page.url)
    const arrived = page.url.startsWith(redirectUri)
      ? page
      : await browser.submit(page, { decision: 'allow' })
    const code = new URL(arrived.url).searchParams.get('code') ?? undefined
    t.equal((await redeem(provider, clients.web, code)).status, 200)
  })

  t.test('what clients have to be told', async (t) => {
    await createDeliveringNode(provider, services).run()
    await receiver.whenReceived(1)
    const token = await verifyLogoutToken(provider, receiver.received[0]!, 'web')
    t.match(token, { sub, sid: ended.sid })
  })
})

t.test('the release before goes on beside this one', async (t) => {
  const code = codeOf()
  t.ok(await before.insertCode('of before', parties.web, code))
  const { refresh_token } = toTokens(await redeem(provider, clients.web, 'of before'))
  t.strictSame(parse(refresh_token), { grantId: code.grantId, generation: 1 })
  t.equal(await before.rotateFamily(code.grantId, 1, 'web'), 2)
  const rotated = await refresh(provider, clients.web, format(code.grantId, 2))
  t.equal(rotated.status, 200)

  const browser = browserWith('a session')
  const page = await browser.open(
    authorizationUrl(provider, clients.web, { scope: scope.join(' ') }),
  )
  const mine = new URL(page.url).searchParams.get('code') ?? ''
  t.strictSame(await before.consumeCode(mine), { is_first: true, is_begun: true })
  t.strictSame(await before.consumeCode(mine), { is_first: false, is_begun: false })

  await before.insertRequest('asked before', 'web', requested)
  t.ok(
    await before.insertCode('answers it', parties.web, { ...codeOf(), reference: 'asked before' }),
  )
  t.notOk(await before.insertCode('again', parties.web, { ...codeOf(), reference: 'asked before' }))

  await before.mergeConsent(parties.web, ['profile'])
  await before.endSession(parties.web)
  const refused = await refresh(provider, clients.web, String(rotated.body['refresh_token']))
  t.match(refused, { status: 200 }, 'which lives by its own end')
  await createDeliveringNode(provider, services).run()
  await receiver.whenReceived(2)
  const token = await verifyLogoutToken(provider, receiver.received[1]!, 'web')
  t.match(token, { sub, sid: parties.web.sid })
})
