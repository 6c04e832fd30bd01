import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { migrate } from '../../src/database/migrate.ts'
import { createTestDatabase } from '../support/database.ts'
import { packageRoot } from '../support/postgres-run.ts'

const onError = () => {}

async function createDirectory(t: Test, files: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'claviger-migrations-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  return directory
}

const two = {
  '0001_first.sql': 'create table first (n integer); select pg_sleep(0.2);',
  '0002_second.sql': 'create table second (n integer);',
}

t.test('applies the files of this release in order, then nothing', async (t) => {
  const { url } = await createTestDatabase(t, { empty: true })
  const directory = join(packageRoot, 'sql')
  const names = (await readdir(directory)).toSorted()
  t.same(await migrate(url, { directory, onError }), { applied: names, unknown: [] })
  t.same(await migrate(url, { directory, onError }), { applied: [], unknown: [] })
})

t.test('six at once on an empty database all succeed, and each file is applied once', async (t) => {
  const { url } = await createTestDatabase(t, { empty: true })
  const directory = await createDirectory(t, two)
  const results = await Promise.all(
    [1, 2, 3, 4, 5, 6].map(() => migrate(url, { directory, onError })),
  )
  t.same(
    results.map(({ applied }) => applied.length).toSorted((a, b) => a - b),
    [0, 0, 0, 0, 0, 2],
  )
})

t.test('a file that fails leaves nothing of the pending ones', async (t) => {
  const database = await createTestDatabase(t, { empty: true })
  const directory = await createDirectory(t, { ...two, '0003_third.sql': 'select 1 / 0' })
  await t.rejects(migrate(database.url, { directory, onError }), {
    name: 'Refusal',
    message: /0003_third\.sql.*division by zero/,
  })
  t.same(await database.query("select to_regclass('first') as first"), [{ first: null }])
})

t.test('refuses a file that was edited after it was applied', async (t) => {
  const { url } = await createTestDatabase(t, { empty: true })
  const directory = await createDirectory(t, two)
  await migrate(url, { directory, onError })
  await writeFile(join(directory, '0002_second.sql'), 'create table other (n integer);')
  await t.rejects(migrate(url, { directory, onError }), {
    name: 'Refusal',
    message: /0002_second\.sql differs .* Restore the file/,
  })
})

t.test('refuses a gap', async (t) => {
  const { url } = await createTestDatabase(t, { empty: true })
  const directory = await createDirectory(t, two)
  await rm(join(directory, '0001_first.sql'))
  await t.rejects(migrate(url, { directory, onError }), {
    name: 'Refusal',
    message: /Migration 1 is missing/,
  })
})

t.test('works with a database that a newer release has migrated, and says so', async (t) => {
  const { url } = await createTestDatabase(t, { empty: true })
  const newer = await createDirectory(t, two)
  const older = await createDirectory(t, {})
  await cp(join(newer, '0001_first.sql'), join(older, '0001_first.sql'))
  await migrate(url, { directory: newer, onError })
  t.same(await migrate(url, { directory: older, onError }), {
    applied: [],
    unknown: ['0002_second.sql'],
  })
})
