import t from 'tap'
import { obtainTokens, signIn } from '../support/flow.ts'
import { password } from '../support/provider.ts'
import { orders, runExample, secret, startProvider } from './running.ts'

const app = { clientId: 'app', secret }

t.test('the Express API reads tokens, and refuses those of a revoked user', async (t) => {
  const { issuer, admin } = await startProvider(t)
  const { sub } = await admin.accounts.create({ email: 'alice@example.com', password })
  const url = await runExample(t, 'express-api.mjs', { ISSUER: issuer })
  const browser = await signIn({ issuer })
  const tokenFor = async (scope: string) =>
    (await obtainTokens({ issuer }, browser, app, { scope, resource: orders })).access_token
  const ask = (token?: string) =>
    fetch(url, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })

  const good = await tokenFor('openid orders:read')
  t.match(await (await ask(good)).json(), { for: sub, orders: [{ id: '1' }] })
  t.equal((await ask()).status, 401)
  const narrow = await ask(await tokenFor('openid'))
  t.equal(narrow.status, 403)
  t.match(narrow.headers.get('www-authenticate'), /error="insufficient_scope"/)
  const metadata = new URL('/.well-known/oauth-protected-resource', url)
  t.match(await (await fetch(metadata)).json(), { authorization_servers: [issuer] })

  await admin.revocations.revokeUser(sub, { actor: 'test' })
  let answer: Response
  do answer = await ask(good)
  while (answer.status === 200)
  t.match(await answer.json(), { code: 'token_revoked' })
})

t.test('in the Fastify API only an admin deletes an order', async (t) => {
  const { issuer, admin } = await startProvider(t)
  for (const [name, claims] of Object.entries({ alice: { roles: ['admin'] }, bob: {} }))
    await admin.accounts.create({ email: `${name}@example.com`, password, claims })
  const url = await runExample(t, 'fastify-api.mjs', { ISSUER: issuer })
  const tokenOf = async (name: string) => {
    const browser = await signIn({ issuer }, undefined, `${name}@example.com`)
    const scope = 'openid orders:read roles'
    return (await obtainTokens({ issuer }, browser, app, { scope, resource: orders })).access_token
  }
  const ask = async (name: string, method: string, path: string) => {
    const headers = { authorization: `Bearer ${await tokenOf(name)}` }
    return (await fetch(new URL(path, url), { method, headers })).status
  }

  t.equal(await ask('bob', 'GET', '/orders'), 200)
  t.equal(await ask('bob', 'DELETE', '/orders/1'), 403)
  t.equal(await ask('alice', 'DELETE', '/orders/1'), 204)
  t.equal(await ask('alice', 'DELETE', '/orders/1'), 404)
})
