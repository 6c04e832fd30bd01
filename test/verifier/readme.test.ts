/** The package's README tells of everything that can be set, refused and heard. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const folder = fileURLToPath(new URL('../../../src/verifier/', import.meta.url))
const files = (await readdir(folder)).filter((file) => file.endsWith('.ts'))
const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
const readme = await readFile(join(folder, 'README.md'), 'utf8')

/** What `member` finds in the declaration that begins like this. */
function membersOf(declaration: string, member: RegExp): string[] {
  const text = texts.find((source) => source.includes(declaration)) ?? ''
  const block = text.slice(text.indexOf(declaration)).split('\n}', 1)[0]!
  return [...block.matchAll(member)].map(([, found]) => found!)
}

t.test('each option and event is named', async (t) => {
  const named = new Set([...readme.matchAll(/`(\w+)(?:: [^`]+)?`/g)].map(([, name]) => name!))
  const options = [
    'VerifierOptions',
    'FollowOptions',
    'ProofOptions',
    'GuardOptions',
    'AdapterOptions',
  ]
  for (const name of options) {
    const members = membersOf(`export interface ${name} `, /^ {2}(\w+)\??:/gm)
    t.ok(members.length > 0, name)
    for (const member of members) t.ok(named.has(member), `${name}.${member}`)
  }
  const events = membersOf('export interface VerifierEvent ', /^ {4}\| '(\w+)'/gm)
  t.ok(events.length > 0)
  for (const event of events) t.ok(named.has(event), event)
})

t.test('each code has its status', async (t) => {
  const codes = membersOf('const statuses ', /^ {2}(\w+: \d+),/gm)
  const rows = [...readme.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)]
  t.ok(codes.length > 0)
  t.strictSame(rows.map(([, code, status]) => `${code}: ${status}`).toSorted(), codes.toSorted())
})
