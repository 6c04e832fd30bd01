/** Many nodes started at one instant on an empty database make one set of keys, and all of them serve (issue 3). */
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose'
import t from 'tap'
import { toDatabaseUrl } from '../cli/run-cli.ts'
import { createTestDatabase } from '../support/database.ts'
import { freePort } from '../support/provider.ts'
import { createCommand } from '../support/soak/command.ts'
import { fetchJwks } from '../support/soak/jwks-source.ts'
import { spawnServer, untilServing } from '../support/soak/node.ts'
import { createTokenClient, requestToken } from '../support/soak/token-client.ts'
import { algs } from '../support/soak/windows.ts'

const count = 6
const database = await createTestDatabase(t, { empty: true })
const keysDir = join(t.testdir({}), 'keys')
const issuer = `http://127.0.0.1:${await freePort()}`
const environment = {
  ISSUER: issuer,
  DATABASE_URL: toDatabaseUrl(database),
  CLAVIGER_KEYS_DIR: keysDir,
}

const starting = Array.from({ length: count }, async () => {
  const port = await freePort()
  const waitForStart = import.meta.resolve('../support/soak/wait-for-start.js')
  const child = spawnServer(['--import', waitForStart], { ...environment, PORT: String(port) })
  t.teardown(() => child.kill('SIGKILL'))
  const serving = untilServing(child)
  await Promise.race([once(child, 'message'), serving])
  return { child, serving, origin: `http://127.0.0.1:${port}` }
})
const nodes = await Promise.all(starting)
for (const { child } of nodes) child.send('start')
await untilTheyCollide()
await Promise.all(nodes.map(({ serving }) => serving))

/** Nodes find no keys, make their own, and wait to store them: they meet at the door, however their starts were spread. */
async function untilTheyCollide(): Promise<void> {
  const patience = AbortSignal.timeout(3_000)
  const lookUntil = async (condition: string) => {
    for (let isMet = false; !isMet && !patience.aborted;) {
      const [row] = await database.query<{ met: boolean }>(`select ${condition} as met`)
      isMet = row?.met ?? false
    }
  }
  await lookUntil(`to_regclass('signing_keys') is not null`)
  await database.transaction(async (transaction) => {
    await transaction.query('lock table signing_keys in share mode')
    await lookUntil(`(
      select count(*) from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock') >= ${count}`)
  })
}

t.test('there is one signing and one next key of each algorithm, and nothing else', async (t) => {
  const keys = await database.query(
    `select alg, activated_at is not null as is_active, retired_at, revoked_at from signing_keys
     order by alg, is_active`,
  )
  t.strictSame(
    keys,
    algs.toSorted().flatMap((alg) =>
      [false, true].map((isActive) => ({
        alg,
        is_active: isActive,
        retired_at: null,
        revoked_at: null,
      })),
    ),
  )
  t.match(await readdir(keysDir), [/\.key$/], 'under one key-encryption key')
})

t.test('all nodes are ready, with the same JWKS to the letter', async (t) => {
  const answers = await Promise.all(
    nodes.map(async ({ origin }) => {
      const ready = await fetch(`${origin}/health/ready`)
      const jwks = await fetchJwks({ origin })
      return [ready.status, jwks.headers.get('etag'), await jwks.text()]
    }),
  )
  t.equal(answers[0]?.[0], 200)
  for (const answer of answers) t.strictSame(answer, answers[0])
})

t.test('every node signs at once what the JWKS of every other verifies', async (t) => {
  const client = await createTokenClient(createCommand(environment))
  for (const [index, node] of nodes.entries()) {
    const other = nodes[(index + 1) % count]!
    const jwks = (await (await fetchJwks(other)).json()) as JSONWebKeySet
    for (const alg of algs) {
      const answer = await requestToken(node, client, alg)
      if (!('token' in answer)) throw new Error(answer.refusal)
      const { protectedHeader } = await jwtVerify(answer.token, createLocalJWKSet(jwks), { issuer })
      t.equal(protectedHeader.alg, alg)
    }
  }
})
