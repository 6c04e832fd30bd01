/** tap's `after`: ends this run's PostgreSQL and waits until it is gone. */
/* c8 ignore start: tap counts this script, though coverage is off */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { runFile, type PostgresRun } from './postgres-run.ts'

const { keeperPid }: PostgresRun = JSON.parse(await readFile(runFile(), 'utf8'))
process.kill(keeperPid, 'SIGTERM')
while (existsSync(runFile())) await delay(10)
