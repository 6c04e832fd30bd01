/** The server process: configuration → database → services → app → jobs, and a stop in the opposite order. */
import closeWithGrace from 'close-with-grace'
import { pino, type Logger } from 'pino'
import { createApp } from './app.ts'
import type { Config } from './config.ts'
import { openDatabase, type OpenDatabase } from './database/open.ts'
import { serveMetrics } from './http/metrics-server.ts'
import { countFailures } from './jobs/count-failures.ts'
import { createScheduler } from './jobs/scheduler.ts'
import { createSynchronizeClockJob } from './jobs/synchronize-clock.ts'
import { createJobs, createLogoutDelivery, followChanges } from './services/background.ts'
import { createServices } from './services/index.ts'

const drainMilliseconds = 10_000

/** Serves until the process is told to stop. Throws before it listens when it cannot start. */
export async function serve(config: Config): Promise<void> {
  const log = pino({ level: config.logLevel })
  const opened = await openDatabase(config, { owner: 'serve', log })
  const stop = await start(config, opened, log).catch(async (error: unknown) => {
    await opened.close()
    throw error
  })
  closeWithGrace({ delay: drainMilliseconds, logger: false }, async ({ signal, err }) => {
    if (err) log.fatal({ err }, 'stopping after an unexpected error')
    else log.info({ signal }, 'stopping')
    await stop()
    log.info('stopped')
  })
}

async function start(
  config: Config,
  { database, clock, location, applied, close }: OpenDatabase,
  log: Logger,
): Promise<() => Promise<void>> {
  const options = { config, database, clock }
  const services = await createServices(options)
  await services.rotation.ensureKeys()
  await services.keyring.load()
  await services.revocationFeed.load()
  await services.tokenLifetimes.record()
  const deliverLogouts = createLogoutDelivery(options, services, { log })
  const stopFollowing = followChanges(options, services, {
    onError: (err) =>
      log.error({ err }, 'the signing keys or the revocations could not be read anew'),
    onLogouts: () =>
      void deliverLogouts
        .run()
        .catch((err: unknown) => log.error({ err }, 'logouts could not be delivered')),
  })
  const { metrics, events } = services
  const jobs = [createSynchronizeClockJob(clock), ...createJobs(options, services, log)]
  const scheduler = createScheduler({
    jobs: [...jobs, deliverLogouts].map((job) => countFailures(job, metrics)),
    log,
    random: Math.random,
  })
  const app = await createApp(services, { config, log })
  const metricsServer = await serveMetrics({
    metrics,
    host: config.metricsHost,
    port: config.metricsPort,
  })
  await app.listen({ host: config.host, port: config.port })
  scheduler.start()

  if (!config.rateLimit)
    log.warn('CLAVIGER_RATE_LIMIT=off: password guessing is not limited. For load tests only.')
  log.info({ issuer: config.issuer, data: location, migrations: applied }, 'serving')
  process.stderr.write(greeting(config.issuer, location))

  return async () => {
    await app.close()
    await scheduler.stop()
    await events.flush().catch((err: unknown) => {
      log.error({ err, lost: events.waiting() }, 'the last events of the watch became no rows')
    })
    await metricsServer?.close()
    await stopFollowing()
    await close()
  }
}

function greeting(issuer: string, location: string): string {
  return `
  Claviger serves ${issuer}
  Data lies in    ${location}
  Next, type      npx claviger users create --email you@example.com --password-stdin

`
}
