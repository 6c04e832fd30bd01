/** A command line on a database with the keys that a first start would make. */
import type { Test } from 'tap'
import { readConfig, type Environment } from '../../src/config.ts'
import { createDatabaseClock } from '../../src/database/clock.ts'
import { createAdminServices } from '../../src/services/admin.ts'
import { createKeyServices } from '../../src/services/keys.ts'
import { createTestCli, type Json } from './run-cli.ts'

export async function createCliWithKeys(t: Test, settings: Environment = {}) {
  const cli = await createTestCli(t)
  Object.assign(cli.environment, settings)
  const options = {
    config: readConfig({ ...cli.environment }),
    database: cli.database,
    clock: await createDatabaseClock(cli.database),
  }
  const services = await createKeyServices(options, createAdminServices(options))
  await services.rotation.ensureKeys()
  const list = async (): Promise<Json[]> => (await cli.json(['keys', 'list']))['keys']
  const find = async (alg: string, state: string) =>
    (await list()).find((key) => key['alg'] === alg && key['state'] === state)
  const kidOf = async (alg: string, state: string): Promise<string> =>
    (await find(alg, state))?.['kid']
  const events = async (...args: string[]): Promise<Json[]> =>
    (await cli.json(['keys', 'log', ...args]))['events']
  return { ...cli, services, list, find, kidOf, events }
}

export function secondsBetween(start: string, end: string): number {
  return (Date.parse(end) - Date.parse(start)) / 1000
}
