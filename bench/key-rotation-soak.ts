/** The soak of test/resilience/key-rotation.test.ts for as long as one likes, on an embedded PostgreSQL of its own. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { startEmbeddedPostgres } from '../src/database/embedded/index.ts'
import { findBrokenPromises } from '../test/support/soak/promises.ts'
import { runSoak, type SoakReport } from '../test/support/soak/soak.ts'
import { windows } from '../test/support/soak/windows.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '20' },
  },
})
const minutes = Number(values.minutes)
const tokensPerSecond = Number(values.rate)
if (!(minutes > 0 && tokensPerSecond > 0))
  throw new Error('--minutes and --rate are numbers above 0')

const directory = await mkdtemp(join(tmpdir(), 'claviger-soak-'))
await chmod(directory, 0o755) // as root, PostgreSQL runs under another account
const postgres = await startEmbeddedPostgres({
  dataDirectory: join(directory, 'data'),
  owner: 'command',
  log: () => {},
})
async function tidyUp(): Promise<void> {
  await postgres.stop()
  await rm(directory, { recursive: true, force: true })
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void tidyUp().finally(() => process.exit(1)))

try {
  const report = await runSoak({
    databaseUrl: postgres.connection,
    tokensPerSecond,
    isEnough(passes, seconds) {
      say(`${Math.round(seconds)} s: pass ${passes} through all disturbances is over`)
      return seconds >= minutes * 60
    },
    patienceSeconds: minutes * 60 + 120,
  })
  say(`\n${describe(report)}\n`)
  for (const [promise, broken] of Object.entries(findBrokenPromises(report, { rarely: 0.05 }))) {
    say(`${broken.length === 0 ? 'kept' : `BROKEN ${broken.length} times`}: ${promise}`)
    for (const how of broken) say(`  ${how}`)
    if (broken.length > 0) process.exitCode = 1
  }
} finally {
  await tidyUp()
}

function describe({ passes, seconds, nodes, happenings, watch, traffic }: SoakReport): string {
  const { sightings, verdicts, refusals } = traffic
  const { RS256, ES256 } = watch.rotations()
  const tokens = nodes.map(({ name }) => sightings.byNode.get(name) ?? 0)
  const figures: Record<string, string | number> = {
    'seconds, passes through all disturbances': `${seconds.toFixed(0)}, ${passes}`,
    'signing keys replaced': `RS256 ${RS256}, ES256 ${ES256}`,
    'looks at the stored keys': watch.looks(),
    'tokens by node': `${tokens.join(' + ')} = ${sightings.tokens()}`,
    'requests for tokens refused or lost': sum(refusals.values()),
    'last token after its key had retired': `${sightings.longestOverlapSeconds(watch.keys).toFixed(2)} s`,
    ...Object.fromEntries(happenings),
  }
  const lines = Object.entries(figures).map(([name, figure]) => `${name.padEnd(42)} ${figure}`)
  const errors = nodes.flatMap((node) =>
    [...node.errors].map(([message, times]) => `${node.name} logged ${times} × ${message}`),
  )
  const parts = [JSON.stringify(windows), lines.join('\n'), errors.join('\n')]
  return [...parts.filter(Boolean), describeVerdicts(verdicts)].join('\n\n')
}

function describeVerdicts(verdicts: SoakReport['traffic']['verdicts']): string {
  const head = [
    'verifier',
    'accepted at once',
    'before exp',
    'expired meanwhile',
    'false rejections',
  ]
  const table = new Table({
    head: [...head, 'fetches', '304', 'unknown kid'],
    style: { head: [], border: [] },
    colAligns: ['left', ...Array<'right'>(7).fill('right')],
  })
  for (const [verifier, { accepted, falseRejections, expired }] of verdicts)
    table.push([
      verifier.name,
      accepted['at once'],
      accepted['before it expires'],
      expired,
      falseRejections.length,
      verifier.source.fetches(),
      verifier.notModified?.() ?? '',
      verifier.unknownKids?.() ?? '',
    ])
  return table.toString()
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((total, number) => total + number, 0)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
