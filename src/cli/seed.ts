/** claviger seed: users, resources and clients from one file, as often as one likes. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { actor } from './actor.ts'
import { addCommand } from './command.ts'
import { readJson } from './input.ts'
import { print, table } from './output.ts'
import { withDatabase } from './with-database.ts'

export function addSeed(program: CommandUnknownOpts): void {
  addCommand(program, 'seed <file>', {
    description: 'create or update the users, resources and clients of a file: all, or none',
    examples: ['claviger seed seed.json', 'claviger seed - --json < seed.json'],
    notes: [
      'seed.json: {"users": [{"email", "email_verified", "username", "password", "claims"}],',
      '            "resources": [as for resources create], "clients": [as for clients create]}',
      'What the file names is made so, what it does not name stays. A new password ends sessions.',
    ],
  }).action(async (file, format) => {
    const input = await readJson(file)
    await withDatabase(async (context) => {
      const { seed } = await import('../services/seed.ts')
      const seeded = await seed(context, input, { actor: actor(), reason: 'seed' })
      await print(format, { seeded }, () =>
        table(
          ['', 'name', ''],
          seeded.map(({ noun, name, change }) => [noun, name, change]),
        ),
      )
    })
  })
}
