/** The gateway process: settings → verifier → app, and a stop in the opposite order. Needs no database. */
import closeWithGrace from 'close-with-grace'
import { readFile } from 'node:fs/promises'
import { pino, type Logger } from 'pino'
import { Refusal } from '../protocol/refusal.ts'
import { createVerifier, type Verifier } from '../verifier/verifier.ts'
import { createGatewayApp } from './app.ts'
import type { GatewaySettings } from './settings.ts'

/** Serves until the process is told to stop. What it cannot reach at start it goes on trying to reach, and refuses meanwhile. */
export async function serveGateway(settings: GatewaySettings, logLevel: string): Promise<void> {
  const log = pino({ level: logLevel })
  const verifier = await createGatewayVerifier(settings, log)
  const app = createGatewayApp({
    verifier,
    rules: settings.rules,
    publicUrl: settings.publicUrl,
    log,
  })
  verifier.ready().then(
    () => log.info('keys and revocations are at hand'),
    (err: unknown) => log.error({ err }, 'not ready: what needs a token is refused until then'),
  )
  const address = await listen(app, settings).catch((error: unknown) => {
    verifier.close() // or it would keep the process alive, which answers nobody
    throw error
  })
  log.info({ address, issuer: settings.issuer }, 'serving')
  closeWithGrace({ delay: 5_000, logger: false }, async ({ signal, err }) => {
    if (err) log.fatal({ err }, 'stopping after an unexpected error')
    else log.info({ signal }, 'stopping')
    await app.close()
    verifier.close()
  })
}

async function listen(
  app: ReturnType<typeof createGatewayApp>,
  { host, port }: Pick<GatewaySettings, 'host' | 'port'>,
): Promise<string> {
  return app.listen({ host, port }).catch((cause: Error) => {
    throw new Refusal(`${cause.message}. Stop what listens there, or mend 'host' and 'port'.`, {
      cause,
    })
  })
}

async function createGatewayVerifier(settings: GatewaySettings, log: Logger): Promise<Verifier> {
  const { issuer, audience, clockToleranceSeconds } = settings
  return createVerifier({
    issuer,
    audience,
    clockToleranceSeconds,
    revocations: await toFollowOptions(settings),
    onEvent({ type, ...details }) {
      if (type === 'accepted') log.debug(details, 'accepted')
      else log.info({ event: type, ...details }, 'verifier')
    },
  })
}

async function toFollowOptions({ revocations, maxFeedAgeSeconds, whenStale }: GatewaySettings) {
  if (revocations === 'off') return 'off'
  const rule = { maxFeedAgeSeconds, whenStale }
  if (revocations === 'public') return { public: true as const, ...rule }
  const { clientId, clientSecretFile } = revocations
  return { clientId, clientSecret: await readSecret(clientSecretFile), ...rule }
}

async function readSecret(file: string): Promise<string> {
  const name = `revocations.client_secret_file: ${file}`
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Refusal(`${name} cannot be read. Mend its path.`, { cause })
  })
  const secret = text.trim()
  if (secret === '') throw new Refusal(`${name} is empty. Write the secret of the client into it.`)
  return secret
}
