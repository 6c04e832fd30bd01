/** Forks a Node process that tap does not instrument: no coverage, no files of tap's, faster to start. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'

export function forkPlainly(
  program: string,
  args: readonly string[],
  options: SpawnOptions = {},
): ChildProcess {
  const command = ['-u', 'NODE_OPTIONS', process.execPath, '--enable-source-maps', program, ...args]
  return spawn('env', command, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], ...options })
}
