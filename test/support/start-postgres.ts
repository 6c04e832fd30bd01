/** tap's `before`: starts one PostgreSQL for this run, in the hands of a keeper that outlives this script. */
/* c8 ignore start: tap counts this script, though coverage is off */
import { fileURLToPath } from 'node:url'
import { forkPlainly } from './fork-plainly.ts'

const program = fileURLToPath(import.meta.resolve('./keep-postgres.js'))
const keeper = forkPlainly(program, [String(process.ppid)], {
  detached: true,
  stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
})

const failure = await new Promise<string | undefined>((resolve) => {
  keeper.once('message', (message: { failure?: string }) => resolve(message.failure))
  keeper.once('exit', (code) => resolve(`the keeper of PostgreSQL ended with ${code}`))
})
if (failure !== undefined) {
  process.stderr.write(`PostgreSQL for the tests did not start: ${failure}\n`)
  process.exitCode = 1
}
if (keeper.connected) keeper.disconnect()
keeper.unref()
