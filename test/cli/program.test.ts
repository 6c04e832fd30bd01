import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { packageRoot } from '../support/postgres-run.ts'
import { createCli, createTestCli } from './run-cli.ts'

const commands = {
  '': [
    'serve',
    'migrate',
    'users',
    'sessions',
    'clients',
    'registration-tokens',
    'resources',
    'seed',
    'keys',
    'tokens',
    'events',
    'signals',
    'revoke-all',
    'audit',
    'gateway',
    'logouts',
    'doctor',
  ],
  users: [
    'create',
    'list',
    'show',
    'disable',
    'enable',
    'set-claims',
    'set-password',
    'revoke',
    'delete',
  ],
  sessions: ['list', 'revoke'],
  clients: ['create', 'list', 'show', 'update', 'rotate-secret', 'revoke', 'delete'],
  'registration-tokens': ['create', 'list', 'revoke'],
  resources: ['create', 'list', 'show', 'update', 'delete'],
  keys: ['list', 'rotate', 'revoke'],
  tokens: ['inspect', 'revoke'],
  logouts: ['list', 'retry'],
}

t.test('--help on every level lists the commands and has examples', async (t) => {
  const { run } = createCli(t, {})
  for (const [noun, verbs] of Object.entries(commands)) {
    const { code, stdout } = await run([...(noun === '' ? [] : [noun]), '--help'])
    t.equal(code, 0)
    t.match(stdout, /\nExamples:\n {2}\$ claviger /)
    for (const verb of verbs) t.match(stdout, new RegExp(`^  ${verb} `, 'm'))
  }
  const leaves = [
    ...[
      'serve',
      'migrate',
      'seed',
      'events',
      'signals',
      'revoke-all',
      'audit',
      'gateway',
      'doctor',
    ].map((verb) => [verb]),
    ...Object.entries(commands).flatMap(([noun, verbs]) =>
      noun === '' ? [] : verbs.map((verb) => [noun, verb]),
    ),
  ]
  const texts = await Promise.all(leaves.map((leaf) => run([...leaf, '--help'])))
  for (const { code, stdout } of texts) {
    t.equal(code, 0)
    t.match(stdout, /^ {2}--json +print one JSON document$/m)
    t.match(stdout, /\nExamples:\n {2}\$ /)
  }
})

t.test('--version prints the version of the package', async (t) => {
  const { version } = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8'))
  t.match(await createCli(t, {}).run(['--version']), { code: 0, stdout: `${version}\n` })
})

t.test('what is misspelt is told in one clear line and a hint, with exit code 1', async (t) => {
  const { run } = createCli(t, {})
  const expected: [args: string[], stderr: RegExp][] = [
    [['user'], /^error: unknown command 'user'\n\(Did you mean users\?\)\nAdd --help/],
    [['users', 'lst'], /^error: unknown command 'lst'\n\(Did you mean list\?\)/],
    [['users', 'list', '--jsn'], /^error: unknown option '--jsn'\n\(Did you mean --json\?\)/],
    [['users', 'show'], /^error: missing required argument 'user'/],
    [['users', 'list', '--limit', 'x'], /^error: .*argument 'x' is invalid. Give a whole number/],
  ]
  for (const [args, stderr] of expected) t.match(await run(args), { code: 1, stdout: '', stderr })
})

t.test('faults of the configuration are told in one line', async (t) => {
  const { refusal } = createCli(t, { PORT: 'x', CLAVIGER_ISSUER: 'y' })
  for (const command of [['users', 'list'], ['serve'], ['migrate']])
    t.match(
      await refusal(command),
      /^error: The configuration has 2 faults: CLAVIGER_ISSUER.*Did you mean ISSUER\? PORT is "x"/,
    )
})

t.test(
  'a database that cannot be reached is told in one line, and in full to who debugs',
  async (t) => {
    const { refusal, run } = createCli(t, {
      DATABASE_URL: 'postgres://claviger:hunter2@127.0.0.1:1/claviger',
    })
    t.match(await refusal(['users', 'list']), /cannot be reached \(ECONNREFUSED\).*DATABASE_URL/)
    t.match(await refusal(['serve']), /cannot be reached \(ECONNREFUSED\).*DATABASE_URL/)
    const { code, stderr } = await run(['users', 'list'], { env: { LOG_LEVEL: 'debug' } })
    t.equal(code, 1)
    t.match(stderr, /^error: PostgreSQL cannot be reached[^]*\n {4}at /)
    t.notMatch(stderr, /hunter2/)
  },
)

t.test('an unexpected error is one line without a stack', async (t) => {
  const { database, refusal } = await createTestCli(t)
  await database.query('alter table users rename to people')
  t.match(await refusal(['users', 'list']), /Something unexpected.*users.*LOG_LEVEL=debug/)
})

t.test('migrate applies what is missing, and then nothing', async (t) => {
  const { json, run } = await createTestCli(t, { empty: true })
  const { applied, location } = await json(['migrate'])
  t.equal(applied[0], '0001_signing_keys.sql')
  t.type(location, 'string')
  t.strictSame((await json(['migrate']))['applied'], [])
  t.match(await run(['migrate']), { code: 0, stdout: /up to date/ })
})

t.test('users list loads no password hashing, no web server and no logger', async (t) => {
  const { run, directory } = await createTestCli(t)
  const list = join(directory, 'modules')
  const spy = join(directory, 'spy.cjs')
  await writeFile(
    spy,
    `process.on('exit', () => require('node:fs').writeFileSync(
      process.env.MODULES, Object.keys(require.cache).join('\\n')))`,
  )
  const { code } = await run(['users', 'list'], {
    env: { MODULES: list },
    nodeOptions: ['--require', spy],
  })
  const loaded = await readFile(list, 'utf8')
  t.equal(code, 0)
  t.match(loaded, /node_modules\/pg\//)
  t.notMatch(loaded, /node_modules\/(fastify|@fastify|pino|preact)\//)
})
