/** Where the processes of one tap run find the PostgreSQL of that run: a file named after tap's process id. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface PostgresRun {
  keeperPid: number
  /** Holds the data and the socket. */
  directory: string
}

export const templateName = 'template_claviger'

const build = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

export const packageRoot = dirname(build)
export const runsDirectory = join(build, 'postgres-runs')

/** Test files and the before and after scripts are all children of the tap process. */
export function runFile(tapPid = process.ppid): string {
  return join(runsDirectory, `${tapPid}.json`)
}
