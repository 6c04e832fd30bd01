/** claviger keys log: who did what to the keys, when and why. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import type { AuditEntry } from '../audit/store.ts'
import { isPlainObject } from '../protocol/json.ts'
import { addCommand, parseWholeNumber } from './command.ts'
import { indent, print } from './output.ts'
import { whenAndHow } from './time.ts'
import { withDatabase } from './with-database.ts'

export function addLog(keys: CommandUnknownOpts): void {
  addCommand(keys, 'log', {
    description: 'tell who did what to the keys, when and why; the latest last',
    examples: ['claviger keys log', 'claviger keys log --limit 5', 'claviger keys log --json'],
  })
    .option('--limit <number>', 'only so many', parseWholeNumber, 50)
    .action(({ limit, ...format }) =>
      withDatabase(async ({ database, clock }) => {
        const { createAuditStore } = await import('../audit/store.ts')
        const latest = await createAuditStore(database).listLatest({ action: 'keys', limit })
        const events = latest.toReversed()
        const now = clock.now()
        await print(format, { events }, () =>
          events.length === 0
            ? 'Nothing was done to the keys yet.'
            : events.map((event) => describe(event, now)).join('\n\n'),
        )
      }),
    )
}

function describe(event: AuditEntry, now: Date): string {
  const { at, action, subject, actor, reason, details } = event
  const alg = typeof details['alg'] === 'string' ? ` ${details['alg']}` : ''
  const changes = listOf(details['changes'])
    .filter(isPlainObject)
    .map((change) => `${String(change['change']).padEnd(8)} ${String(change['kid'])}`)
  const moved = listOf(details['moved']).map((kid) => `${'move'.padEnd(8)} ${String(kid)}`)
  const target = moved.length > 0 ? ` to ${subject}` : ''
  const why = reason === null ? '' : `: ${reason}`
  return [
    whenAndHow(at, now),
    indent([`${action}${alg}${target} by ${actor}${why}`, ...changes, ...moved].join('\n')),
  ].join('\n')
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
