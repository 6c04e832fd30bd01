/** The MCP server of the examples, set up by the commands of docs/mcp.md, and the clients of the official SDKs. */
import { DpopSession } from '@modelcontextprotocol/client'
import { decodeJwt } from 'jose'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readConfig } from '../../src/config.ts'
import { createDatabaseClock } from '../../src/database/clock.ts'
import { createAdminServices } from '../../src/services/admin.ts'
import { toDatabaseUrl } from '../cli/run-cli.ts'
import { createTestDatabase } from '../support/database.ts'
import { post } from '../support/flow.ts'
import { packageRoot } from '../support/postgres-run.ts'
import { freePort, password, redirectUri } from '../support/provider.ts'
import { startServer } from '../support/server-process.ts'
import { createWebServer } from '../support/web-server.ts'
import { clientMetadataOf, createApplication, current, former } from './mcp-clients.ts'
import { runExample } from './running.ts'

const port = await freePort()
const documentation = (await readFile(join(packageRoot, 'docs/mcp.md'), 'utf8'))
  .replaceAll('4002', String(port))
  .replaceAll('npx claviger', `${process.execPath} bin/claviger.cjs`)
const commands = [...documentation.matchAll(/```sh\n(.*?)```/gs)].map(([, text = '']) => text)
const settings = commands.join().matchAll(/^(CLAVIGER_\w+)='?(.*?)'? \\$/gm)

const web = await createWebServer(t, (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ client_id: documentUrl, ...clientMetadataOf(redirectUri) }))
})
const documentUrl = `${web.origin}/agent.json`

const database = await createTestDatabase(t)
const { issuer } = await startServer(t, database, {
  environment: {
    ...Object.fromEntries([...settings].map(([, name, value]) => [name, value])),
    CLAVIGER_OUTGOING_CA_FILE: web.caFile,
  },
})
for (const text of commands)
  for (const [command] of text.matchAll(/^\S+ \S+claviger.cjs .*?\nEND\n/gms)) await shell(command)
const server = await runExample(t, 'mcp-server.mjs', { ISSUER: issuer, PORT: String(port) })

const clock = await createDatabaseClock(database)
const admin = createAdminServices({ config: readConfig({ ISSUER: issuer }), database, clock })
const { sub } = await admin.accounts.create({ email: 'alice@example.com', password })

for (const sdk of [current, former]) {
  t.test(`${sdk.name}: signs in as a client that an administrator registered`, async (t) => {
    const app = createApplication(sdk, {
      issuer,
      server,
      redirectUrl: 'http://127.0.0.1:33418/callback',
      clientInformation: { client_id: 'notes-app', issuer },
    })
    t.type(await app.call('list_notes'), 'string')
    t.equal(app.visits.length, 1)
    t.match(Object.fromEntries(app.visits[0]!.searchParams), {
      client_id: 'notes-app',
      resource: server.href,
      code_challenge_method: 'S256',
    })
  })

  for (const [way, own] of [
    ['registers itself', {}],
    ['names its document', { clientMetadataUrl: documentUrl }],
  ] as const)
    t.test(`${sdk.name}: ${way}, and steps up for a tool that needs more`, async (t) => {
      const app = createApplication(sdk, { issuer, server, ...own })
      await app.call('list_notes')
      const [first] = app.visits
      const clientId = first?.searchParams.get('client_id')
      t.equal(app.registered()?.client_id, clientId)
      t.equal(clientId === documentUrl, 'clientMetadataUrl' in own)
      t.match(first?.searchParams.get('scope'), /^notes:read( offline_access)?$/)
      const note = `${sdk.name} ${way}`
      t.equal(await app.call('add_note', { note }), 'Added.')
      t.match(await app.callAlone('list_notes'), note)
      t.equal(app.visits.length, 2)
    })
}

t.test('tokens that are bound to a key are good with it, for each tool (RFC 9449)', async (t) => {
  const app = createApplication(current, { issuer, server, dpop: await DpopSession.create() })
  await app.call('list_notes')
  t.match(app.tokens, [{ token_type: 'DPoP' }])
  t.match(decodeJwt(app.tokens[0]?.access_token ?? ''), { cnf: { jkt: String } })
  t.equal(await app.call('add_note', { note: 'bound' }), 'Added.')
})

const meets = (token: string) =>
  fetch(server, { method: 'POST', headers: { authorization: `Bearer ${token}` } })

/** Resolves when the server refuses the token, with the reason. */
async function refusalOf(token: string): Promise<{ code: string }> {
  let answer: Response
  do answer = await meets(token)
  while (answer.status !== 401)
  return (await answer.json()) as { code: string }
}

t.test('a token that is refused is refreshed without the person', async (t) => {
  const app = createApplication(current, { issuer, server })
  await app.call('list_notes')
  const [{ access_token: token } = { access_token: '' }] = app.tokens
  const clientId = app.registered()?.client_id ?? ''
  t.equal((await post({ issuer }, '/revoke', { clientId, secret: '' }, { token })).status, 200)
  t.match(await refusalOf(token), { code: 'token_revoked' })
  await app.callAlone('list_notes')
  t.equal(app.tokens.length, 2)
  t.equal(app.visits.length, 1)
})

t.test('a revoked user is refused, and has to sign in again', async (t) => {
  t.capture(console, 'warn') // by which the SDK tells of the refresh token that is of no use
  const app = createApplication(current, { issuer, server })
  await app.call('list_notes')
  await admin.revocations.revokeUser(sub, { actor: 'test' })
  t.match(await refusalOf(app.tokens[0]?.access_token ?? ''), { code: 'token_revoked' })
  await t.rejects(app.callAlone('list_notes'), { name: 'UnauthorizedError' })
  t.equal(app.visits.length, 2)
  await app.call('list_notes')
  t.equal(app.tokens.length, 2, 'who signs in again gets new ones')
})

async function shell(command: string): Promise<void> {
  const child = spawn('sh', ['-ec', command], {
    cwd: packageRoot,
    env: { PATH: process.env['PATH'], ISSUER: issuer, DATABASE_URL: toDatabaseUrl(database) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = (await once(child, 'close')) as [number]
  if (code !== 0) throw new Error(`${command} ended with ${code}`)
}
