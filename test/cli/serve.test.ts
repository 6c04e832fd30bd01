/** The command line beside a running server and alone, on the embedded PostgreSQL. */
import { access, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { freePort } from '../support/provider.ts'
import { createCli, spawnCli } from './run-cli.ts'

t.test('commands work while the server runs and when it does not', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'claviger-cli-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const port = String(await freePort())
  const dataDir = join(directory, 'data')
  const { run, json, refusal, environment } = createCli(t, {
    HOST: '127.0.0.1',
    PORT: port,
    ISSUER: `http://127.0.0.1:${port}`,
    DATA_DIR: dataDir,
    CLAVIGER_KEYS_DIR: join(directory, 'keys'),
  })
  const isRunning = () =>
    access(join(dataDir, 'postgres', 'postmaster.pid')).then(
      () => true,
      () => false,
    )
  const create = (username: string) =>
    json(['users', 'create', '--username', username, '--password', 'a long passphrase'])

  await create('first')
  t.equal(await isRunning(), false, 'what a command starts, it ends')

  const server = spawnCli(['serve'], environment)
  const ended = new Promise((resolve) => server.once('exit', resolve))
  t.teardown(() => server.kill('SIGKILL'))
  let stderr = ''
  await new Promise<void>((resolve, reject) => {
    server.stderr.on('data', (text: Buffer) => {
      stderr += text.toString()
      if (stderr.includes('Claviger serves')) resolve()
    })
    server.once('exit', () => reject(new Error(`the server ended: ${stderr}`)))
  })

  await create('second')
  t.match(await json(['doctor']), { listening: { answers: true }, database: { reachable: true } })
  t.equal(await isRunning(), true)
  t.match(await refusal(['serve']), /already serves from/)
  const inUse = await run(['serve'], { env: { DATA_DIR: join(directory, 'other') } })
  t.match(inUse, { code: 1, stderr: /^error: .*EADDRINUSE.*another PORT/m })

  server.kill('SIGTERM')
  t.equal(await ended, 0)
  t.equal(await isRunning(), false)
  t.match((await json(['users', 'list']))['users'].length, 2)
  t.equal(await isRunning(), false)
})
