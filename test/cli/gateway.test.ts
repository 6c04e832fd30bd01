import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createCli } from './run-cli.ts'

const portOf = (server: ReturnType<typeof createServer>) => {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

async function setUp(t: Test) {
  const server = createServer((_, response) => response.writeHead(404).end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const directory = t.testdir({ secret: 'a-secret', empty: '\n' })
  const { refusal } = createCli(t, { LOG_LEVEL: 'silent' })
  const port = portOf(server)
  const refused = (secret: string) => {
    const settings = {
      issuer: `http://127.0.0.1:${port}`,
      audience: 'api',
      revocations: { client_id: 'gateway', client_secret_file: join(directory, secret) },
      port,
      rules: [{ path: '/*' }],
    }
    return refusal(['gateway', '--file', '-'], { input: JSON.stringify(settings) })
  }
  return { refused }
}

t.test('a gateway whose port is taken says so and ends', async (t) => {
  const { refused } = await setUp(t)
  t.match(await refused('secret'), /EADDRINUSE.*Stop what listens there, or mend 'host' and 'port'/)
})

t.test('a secret file that is missing or empty is named', async (t) => {
  const { refused } = await setUp(t)
  t.match(await refused('missing'), /client_secret_file: .*missing cannot be read\. Mend its path/)
  t.match(await refused('empty'), /client_secret_file: .*empty is empty\. Write the secret/)
})
