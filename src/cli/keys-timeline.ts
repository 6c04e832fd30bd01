/** claviger keys timeline: what the keys did, and what they will do. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { addCommand, parseWholeNumber } from './command.ts'
import { print } from './output.ts'
import { drawTimeline } from './timeline-view.ts'
import { noKeys, withStoredKeys } from './with-keys.ts'

const columnsOfNoTerminal = 80

export function addTimeline(keys: CommandUnknownOpts): void {
  addCommand(keys, 'timeline', {
    description: 'draw past and coming transitions of the keys over time',
    examples: ['claviger keys timeline', 'claviger keys timeline --ascii --columns 120'],
    notes: ['As wide as the terminal. Anywhere else it is drawn in ASCII, 80 columns wide.'],
  })
    .option('--ascii', 'draw in ASCII, for a terminal without UTF-8')
    .option('--columns <number>', 'as wide as this', parseWholeNumber)
    .action(({ ascii = false, columns, ...format }) =>
      withStoredKeys(async ({ keys: stored, schedule, now }) => {
        if (stored.length === 0) throw noKeys()
        const { timelineOf } = await import('../keys/timeline.ts')
        const events = timelineOf(stored, schedule, now)
        const transitions = events.map(({ at, alg, kid, event, isPast }) => ({
          at,
          alg,
          kid: kid ?? null,
          event,
          is_past: isPast,
        }))
        const { isTTY, columns: width } = process.stdout
        await print(format, { now, transitions }, () =>
          drawTimeline(events, now, {
            columns: columns ?? (isTTY ? width : columnsOfNoTerminal),
            ascii: ascii || !isTTY,
          }),
        )
      }),
    )
}
