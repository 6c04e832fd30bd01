/** Lends a command the configuration, the database and its clock, and closes them whatever happens. */
import { loadConfig, type Config } from '../config.ts'
import type { DatabaseLog, OpenDatabase } from '../database/open.ts'
import type { AdminServices } from '../services/admin.ts'

export interface CommandContext extends OpenDatabase {
  config: Config
}

export async function withDatabase<T>(work: (context: CommandContext) => Promise<T>): Promise<T> {
  const config = loadConfig()
  const { openDatabase } = await import('../database/open.ts')
  const opened = await openDatabase(config, { owner: 'command', log: await createLog(config) })
  try {
    return await work({ config, ...opened })
  } finally {
    await opened.close()
  }
}

export function withServices<T>(
  work: (services: AdminServices, context: CommandContext) => Promise<T>,
): Promise<T> {
  return withDatabase(async (context) => {
    const { createAdminServices } = await import('../services/admin.ts')
    return work(createAdminServices(context), context)
  })
}

/** Commands print their result and nothing else, unless somebody looks for a fault. */
async function createLog({ logLevel }: Pick<Config, 'logLevel'>): Promise<DatabaseLog> {
  if (!isDebugging({ logLevel })) return { info: () => {}, error: () => {} }
  const { pino } = await import('pino')
  const log = pino({ level: logLevel }, pino.destination(2))
  return {
    info: (message) => log.info(message),
    error: (details, message) => log.error(details, message),
  }
}

export function isDebugging({ logLevel }: Pick<Config, 'logLevel'>): boolean {
  return logLevel === 'debug' || logLevel === 'trace'
}
