/** claviger migrate: brings the schema up to date, as every start does too. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { addCommand } from './command.ts'
import { print } from './output.ts'
import { withDatabase } from './with-database.ts'

export function addMigrate(program: CommandUnknownOpts): void {
  addCommand(program, 'migrate', {
    description: 'bring the database up to date; every start and every command does so too',
    examples: ['claviger migrate', 'claviger migrate --json'],
  }).action((format) =>
    withDatabase(({ applied, location }) =>
      print(format, { location, applied }, () =>
        applied.length === 0
          ? `The database is up to date: ${location}`
          : [`Applied to ${location}:`, ...applied.map((name) => `  ${name}`)].join('\n'),
      ),
    ),
  )
}
