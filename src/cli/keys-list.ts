/** claviger keys list: every key, what it does and what comes next. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { addCommand } from './command.ts'
import { rowHead, toBlock, toDocument, toRow, viewKeys, withTokens } from './key-view.ts'
import { print, table } from './output.ts'
import { withStoredKeys } from './with-keys.ts'

export function addList(keys: CommandUnknownOpts): void {
  addCommand(keys, 'list', {
    description: 'list all keys: state, next transition, and until when their tokens may live',
    examples: ['claviger keys list', 'claviger keys list --json'],
    notes: ['One key is one line, but in a narrow terminal. Times are local.'],
  }).action((format) =>
    withStoredKeys(async ({ keys: stored, schedule, exposure, now }) => {
      const views = viewKeys(stored, schedule, now).map((view) =>
        withTokens(view, { schedule, exposure }, now),
      )
      await print(format, { keys: views.map(toDocument) }, async () => {
        if (views.length === 0)
          return 'No keys yet: the first start of the server makes them. Type: claviger serve'
        const rows = await table(
          rowHead,
          views.map((view) => toRow(view, now)),
        )
        return fits(rows) ? rows : views.map((view) => toBlock(view, now)).join('\n\n')
      })
    }),
  )
}

function fits(text: string): boolean {
  const { isTTY, columns } = process.stdout
  return !isTTY || text.split('\n').every((line) => line.length <= columns)
}
