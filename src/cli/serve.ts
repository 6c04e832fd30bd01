/** claviger serve: the server itself. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { loadConfig } from '../config.ts'
import { addCommand } from './command.ts'

export function addServe(program: CommandUnknownOpts): void {
  addCommand(program, 'serve', {
    description: 'serve, until told to stop (its log is JSON in any case)',
    examples: [
      'claviger serve',
      'ISSUER=https://login.example.com TRUST_PROXY=1 claviger serve',
      'DATABASE_URL=postgres://claviger:…@db/claviger claviger serve',
    ],
  }).action(async () => {
    const config = loadConfig()
    const { serve } = await import('../server.ts')
    await serve(config)
  })
}
