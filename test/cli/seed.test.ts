import t from 'tap'
import { createTestCli } from './run-cli.ts'

const password = 'a long enough passphrase'
const user = { email: 'jane@example.com', email_verified: true, password, claims: { name: 'Jane' } }
const resource = { resource: 'https://api.example.com', name: 'Orders', scopes: ['orders:read'] }
const client = {
  client_id: 'app',
  client_secret: 'a-secret-of-at-least-thirty-two-characters',
  redirect_uris: ['https://app.example.com/callback'],
}
const file = { users: [user], resources: [resource], clients: [client] }

t.test('a file is made so, as often as it is given', async (t) => {
  const { json, database } = await createTestCli(t)
  const seed = (content: object) => json(['seed', '-'], { input: JSON.stringify(content) })
  const changes = async (content: object) =>
    (await seed(content)).seeded.map((one: { change: string }) => one.change)
  const hashOf = async () =>
    (await database.query<{ password_hash: string }>('select password_hash from users'))[0]!
      .password_hash

  t.strictSame((await seed(file)).seeded, [
    { noun: 'user', name: 'jane@example.com', change: 'created' },
    { noun: 'resource', name: 'https://api.example.com', change: 'created' },
    { noun: 'client', name: 'app', change: 'created' },
  ])
  const hash = await hashOf()
  t.strictSame(await changes(file), ['updated', 'updated', 'updated'])
  t.equal(await hashOf(), hash, 'the same password ends no session')

  const changed = {
    users: [{ ...user, claims: { name: 'Jane Doe' }, password: 'another long passphrase' }],
    clients: [{ client_id: 'app', client_name: 'The App' }],
  }
  t.strictSame(await changes(changed), ['updated', 'updated'])
  t.not(await hashOf(), hash)
  t.match(await json(['users', 'show', 'jane@example.com']), { claims: { name: 'Jane Doe' } })
  t.match(await json(['clients', 'show', 'app']), {
    client_name: 'The App',
    redirect_uris: client.redirect_uris,
  })
})

t.test('when one entry is refused, nothing is changed', async (t) => {
  const { refusal, database } = await createTestCli(t)
  const seed = (content: unknown) => refusal(['seed', '-'], { input: JSON.stringify(content) })
  const { client_id: _, ...nameless } = client
  const faulty: [content: unknown, message: RegExp][] = [
    [{ ...file, clients: [client, nameless] }, /clients\[1\]: Give a client_id\. Nothing was/],
    [{ ...file, clients: [{ ...client, redirect_uris: ['x'] }] }, /clients\[0\]: redirect_uris/],
    [{ ...file, users: [user, { username: 'j', passwort: 'x' }] }, /users\[1\]: .*password\?/],
    [{ ...file, users: [{ password }] }, /users\[0\]: Give an email or a username/],
    [{ ...file, user: [] }, /"user": Did you mean users\?/],
    [{ ...file, usres: [] }, /"usres": There is none of that name\. Use users, resources, clients/],
    [{ users: user }, /users: Give a list/],
    [[], /JSON object with users, resources, clients/],
  ]
  for (const [content, message] of faulty) t.match(await seed(content), message)
  for (const table of ['users', 'resources', 'clients', 'audit_events'])
    t.strictSame(await database.query(`select 1 from ${table}`), [], table)
})
