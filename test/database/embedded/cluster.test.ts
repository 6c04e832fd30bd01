import { existsSync } from 'node:fs'
import { chown, lstat, mkdir, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { canEnter } from '../../../src/database/embedded/account.ts'
import type { Account } from '../../../src/database/embedded/run.ts'
import { startEmbeddedPostgres } from '../../../src/database/embedded/index.ts'
import { ask, createPlace, embeddedProgram, isRunning } from '../../support/embedded-postgres.ts'
import { startHere, startProcess } from '../../support/embedded-postgres.ts'

const isRoot = process.getuid?.() === 0
const nobody: Account = { uid: 65534, gid: 65534 }
const asRoot = { skip: isRoot ? false : 'only root can try it' }
const asNobody = {
  skip: !isRoot
    ? 'only root can become another user'
    : !(await canEnter(nobody, dirname(embeddedProgram))) &&
      'an ordinary user cannot reach this checkout',
}

function attempt(dataDirectory: string) {
  return startEmbeddedPostgres({ dataDirectory, owner: 'serve', log: () => {} })
}

t.test('a DATA_DIR too deep for a socket has its socket elsewhere', async (t) => {
  const server = await startHere(t, join(await createPlace(t), 'd'.repeat(100)), 'serve')
  t.same(await ask(server.connection, 'select 1 as one'), [{ one: 1 }])
  const socketDirectory = decodeURIComponent(new URL(server.connection).hostname)
  t.equal((await lstat(socketDirectory)).mode & 0o777, 0o700)
  await server.stop()
  t.equal(existsSync(socketDirectory), false)
})

t.test('a DATA_DIR with a name out of the ordinary works', async (t) => {
  const server = await startHere(t, join(await createPlace(t), `a, "b" 'c' %d ü@:`), 'serve')
  t.same(await ask(server.connection, 'select 1 as one'), [{ one: 1 }])
})

t.test('refuses a directory that is no cluster, of another version, or gone', async (t) => {
  const data = await createPlace(t)
  const place = join(data, 'postgres')
  await symlink(join(data, 'gone'), place)
  await t.rejects(attempt(data), { name: 'Refusal', message: /link to a directory that is gone/ })
  await rm(place)

  await mkdir(place)
  await writeFile(join(place, 'something'), '')
  if (isRoot) await chown(place, nobody.uid, nobody.gid)
  await t.rejects(attempt(data), { name: 'Refusal', message: /is not a PostgreSQL cluster/ })

  await writeFile(join(place, 'PG_VERSION'), '9\n')
  await t.rejects(attempt(data), { name: 'Refusal', message: /written by PostgreSQL 9/ })
})

t.test('tells why PostgreSQL does not start', async (t) => {
  const data = join(await createPlace(t), 'data')
  const server = await startHere(t, data, 'serve')
  await server.stop()
  await writeFile(join(server.dataDirectory, 'postgresql.conf'), 'nonsense = on\n')
  await t.rejects(attempt(data), { name: 'Refusal', message: /did not start: .*nonsense/s })
})

t.test('as root, works in a directory that only root may enter', asRoot, async (t) => {
  const data = join(await createPlace(t, 0o700), 'data')
  const first = await startHere(t, data, 'serve')
  await ask(first.connection, 'create table kept (n integer)')
  await first.stop()
  t.equal(await readlink(join(data, 'postgres')), first.dataDirectory)

  const second = await startHere(t, data, 'command')
  t.same(await ask(second.connection, 'select n from kept'), [])
})

t.test('works for an ordinary user, and is closed to the others', asNobody, async (t) => {
  const place = await createPlace(t)
  await chown(place, nobody.uid, nobody.gid)
  const data = join(place, 'data')
  const server = await startProcess(t, data, 'serve', nobody)
  t.equal((await lstat(server.dataDirectory)).uid, nobody.uid)
  t.same(await ask(server.connection, 'select 1 as one'), [{ one: 1 }], 'but root may join')
  await server.stop()
  t.equal(isRunning(server), false)

  await t.rejects(startProcess(t, data, 'serve', { uid: 65533, gid: 65533 }), {
    message: /^Refusal: .* belongs to another user \(uid 65534\)/,
  })
})
