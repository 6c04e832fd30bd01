import { EventEmitter, once } from 'node:events'
import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createDatabase } from '../../../src/database/pool.ts'
import { ask, createPlace, isRunning } from '../../support/embedded-postgres.ts'
import { startHere, startProcess } from '../../support/embedded-postgres.ts'

const select1 = 'select 1 as one'
const one = [{ one: 1 }]

t.test('starts from nothing, keeps its data, and leaves nothing running', async (t) => {
  const data = join(await createPlace(t), 'data')
  const first = await startHere(t, data, 'serve')
  await ask(first.connection, 'create table kept (n integer); insert into kept values (1)')
  await first.stop()
  t.equal(isRunning(first), false)

  const second = await startHere(t, data, 'serve')
  t.same(await ask(second.connection, 'select n from kept'), [{ n: 1 }])
})

t.test('can be reached by its owner and root only, and not by network', async (t) => {
  const server = await startHere(t, join(await createPlace(t), 'data'), 'serve')
  t.match(await ask(server.connection, 'show listen_addresses'), [{ listen_addresses: '' }])
  t.equal((await lstat(server.dataDirectory)).mode & 0o777, 0o700)
})

t.test('starts for several processes at once on an empty DATA_DIR', async (t) => {
  const data = join(await createPlace(t), 'data')
  const started = await Promise.all([1, 2, 3, 4].map(() => startProcess(t, data, 'command')))
  for (const { connection } of started) t.same(await ask(connection, select1), one)
  await Promise.all(started.map(({ stop }) => stop()))
  t.equal(isRunning({ dataDirectory: join(data, 'postgres') }), false)
})

t.test('refuses a second server on the same DATA_DIR and says which one is there', async (t) => {
  const data = join(await createPlace(t), 'data')
  const first = await startHere(t, data, 'serve')
  await t.rejects(startProcess(t, data, 'serve'), {
    message: new RegExp(
      `^Refusal: Another Claviger \\(pid ${process.pid}, since 2.*\\) already serves from ${data}\\. Stop it, or set DATABASE_URL`,
    ),
  })
  t.same(await ask(first.connection, select1), one)
})

t.test('a command joins the server and leaves it running', async (t) => {
  const data = join(await createPlace(t), 'data')
  const server = await startHere(t, data, 'serve')
  const command = await startProcess(t, data, 'command')
  t.equal(command.connection, server.connection)
  await command.stop()
  t.same(await ask(server.connection, select1), one)
})

t.test('a command that outlives the server ends PostgreSQL', async (t) => {
  const data = join(await createPlace(t), 'data')
  const server = await startHere(t, data, 'serve')
  const command = await startHere(t, data, 'command')
  await server.stop()
  t.same(await ask(command.connection, select1), one)
  await command.stop()
  t.equal(isRunning(command), false)
})

t.test('a server adopts the PostgreSQL that a killed one left, and ends it', async (t) => {
  const data = join(await createPlace(t), 'data')
  const killed = await startProcess(t, data, 'serve')
  const readPidFile = () => readFile(join(killed.dataDirectory, 'postmaster.pid'), 'utf8')
  const left = await readPidFile()
  await killed.kill()
  t.equal(isRunning(killed), true)

  const server = await startHere(t, data, 'serve')
  t.equal(await readPidFile(), left)
  await server.stop()
  t.equal(isRunning(server), false)
})

t.test('a PostgreSQL that dies under a server is started again', async (t) => {
  const server = await startHere(t, join(await createPlace(t), 'data'), 'serve')
  const database = createDatabase(server.connection, { onError: () => {} })
  t.teardown(() => database.close())
  const events = new EventEmitter()
  database.listen('anything', () => events.emit('connected'))
  await once(events, 'connected')
  const again = once(events, 'connected')
  const pidFile = await readFile(join(server.dataDirectory, 'postmaster.pid'), 'utf8')
  process.kill(Number.parseInt(pidFile, 10), 'SIGKILL')
  await again
  t.same(await database.query(select1), one)
})
