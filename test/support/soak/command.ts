/** The command line beside running nodes, as an administrator or cron uses it. */
import type { Environment } from '../../../src/config.ts'
import { spawnCli, type Outcome } from '../../cli/run-cli.ts'

export type RunCommand = (args: readonly string[], input?: object) => Promise<Outcome>

export function createCommand(environment: Environment): RunCommand {
  return async (args, input) => {
    const child = spawnCli(args, { PATH: process.env['PATH'], ...environment })
    const outcome: Outcome = { code: null, stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (outcome.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (outcome.stderr += text))
    child.stdin.on('error', () => {}) // a command that refuses at once does not read
    child.stdin.end(input && JSON.stringify(input))
    outcome.code = await new Promise((resolve) => child.once('close', resolve))
    return outcome
  }
}
