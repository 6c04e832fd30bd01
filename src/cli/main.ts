/** The command line: its list of commands, and how an error is told. Node.js starts here, by bin/claviger.cjs. */
import { Command } from '@commander-js/extra-typings'
import { inspect } from 'node:util'
import { addAudit } from './audit.ts'
import { addClients } from './clients.ts'
import { textAfter } from './command.ts'
import { addDoctor } from './doctor.ts'
import { explain, explainFault } from './errors.ts'
import { addEvents } from './events.ts'
import { addGateway } from './gateway.ts'
import { addKeys } from './keys.ts'
import { addLogouts } from './logouts.ts'
import { addMigrate } from './migrate.ts'
import { oneLine, write } from './output.ts'
import { addRegistrationTokens } from './registration-tokens.ts'
import { addResources } from './resources.ts'
import { addRevokeAll } from './revoke-all.ts'
import { addSeed } from './seed.ts'
import { addServe } from './serve.ts'
import { addSessions } from './sessions.ts'
import { addSignals } from './signals.ts'
import { addTokens } from './tokens.ts'
import { addUsers } from './users.ts'
import { readVersion } from './version.ts'
import { isDebugging } from './with-database.ts'
import { loadConfig } from '../config.ts'

const program = new Command('claviger')
  .description('Claviger, an OpenID Connect provider: starts it, and looks after it.')
  .version(readVersion(), '--version', 'print the version')
  .showHelpAfterError('Add --help to see how it is used.')
  .addHelpText(
    'after',
    textAfter({
      examples: [
        'claviger serve',
        'claviger users create --email jane@example.com --password-stdin',
        'claviger clients create --file client.json',
        'claviger doctor',
      ],
      notes: ['Settings come from the environment, the same as for the server.'],
    }),
  )

for (const add of [
  addServe,
  addMigrate,
  addUsers,
  addSessions,
  addClients,
  addRegistrationTokens,
  addResources,
  addSeed,
  addKeys,
  addTokens,
  addGateway,
  addLogouts,
  addRevokeAll,
  addAudit,
  addEvents,
  addSignals,
  addDoctor,
])
  add(program)

// Whoever reads our output may stop early, as head does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = 1
  write(process.stderr, `error: ${oneLine(explain(error) ?? explainFault(error))}`)
  if (wantsDetails()) write(process.stderr, inspect(error))
}

function wantsDetails(): boolean {
  try {
    return isDebugging(loadConfig())
  } catch {
    return false // the configuration itself is at fault
  }
}
