/** The Fastify app: how requests are read and answered, then the list of endpoints and pages. */
import cookie from '@fastify/cookie'
import cors from '@fastify/cors'
import formbody from '@fastify/formbody'
import fastify, { LogController, type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { registerAuthorize } from './endpoints/authorize.ts'
import { registerDeviceAuthorization } from './endpoints/device-authorization.ts'
import { registerDiscovery } from './endpoints/discovery.ts'
import { registerGlobalTokenRevocation } from './endpoints/global-token-revocation.ts'
import { registerHealth } from './endpoints/health.ts'
import { registerIntrospect } from './endpoints/introspect.ts'
import { registerJwks } from './endpoints/jwks.ts'
import { registerPushedAuthorization } from './endpoints/pushed-authorization.ts'
import { registerRegister } from './endpoints/register.ts'
import { registerRevocations } from './endpoints/revocations.ts'
import { registerRevoke } from './endpoints/revoke.ts'
import { registerToken } from './endpoints/token.ts'
import { registerUserinfo } from './endpoints/userinfo.ts'
import { corsOptions } from './http/cors.ts'
import { offerDpopNonces } from './http/dpop-nonce.ts'
import {
  answerBadUrl,
  createBrokenRequestHandler,
  createRequestId,
  registerErrorHandler,
} from './http/error-handler.ts'
import { basePathOf } from './http/pages.ts'
import { measureRequests } from './http/measure-requests.ts'
import { addMtlsServer } from './http/mtls-server.ts'
import { loggedPath, type RawQuery } from './http/requests.ts'
import { tlsOptions } from './http/tls.ts'
import { toFastifyTrustProxy } from './http/trust-proxy.ts'
import { registerAssets } from './pages/assets.ts'
import { registerConsent } from './pages/consent.tsx'
import { registerCreateAccount } from './pages/create-account.tsx'
import { registerDevice } from './pages/device.tsx'
import { sendErrorPage } from './pages/error.tsx'
import { registerHome } from './pages/home.tsx'
import { registerLogin } from './pages/login.tsx'
import { registerLogout } from './pages/logout.tsx'
import { registerSelectAccount } from './pages/select-account.tsx'
import { parseParams } from './protocol/params.ts'
import type { Services } from './services/index.ts'

const bodyLimitBytes = 64 * 1024

export async function createApp(
  services: Services,
  { config, log }: { config: Config; log: Logger },
): Promise<FastifyInstance> {
  const app = fastify(serverOptions(config, log))
  // Before CORS, which answers some requests itself and may fail in doing so.
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(services.securityHeaders.api).header('x-request-id', request.id)
  })
  hangUpWhenClosing(app)
  const { tls, host, mtlsPort } = config
  if (tls && mtlsPort !== undefined) addMtlsServer(app, { tls, host, port: mtlsPort })
  app.removeAllContentTypeParsers()
  await app.register(formbody, {
    bodyLimit: bodyLimitBytes,
    parser: (text) => ({ params: parseParams(text) }),
  })
  await app.register(cookie)
  await app.register(cors, corsOptions(services))
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        path: loggedPath(request.url),
        status: reply.statusCode,
        milliseconds: Math.round(reply.elapsedTime),
        address: request.ip,
      },
      'answered',
    )
  })
  measureRequests(app, services.metrics)
  offerDpopNonces(app, services.possession)
  registerErrorHandler(app, { sendErrorPage: sendErrorPage(services) })

  registerDiscovery(app, services.discovery)
  await app.register(
    async (routes) => {
      registerJwks(routes, services)
      registerAuthorize(routes, services)
      registerPushedAuthorization(routes, services)
      registerDeviceAuthorization(routes, services)
      registerToken(routes, services)
      registerUserinfo(routes, services)
      registerIntrospect(routes, services)
      registerRevoke(routes, services)
      await registerGlobalTokenRevocation(routes, services)
      registerRevocations(routes, services.revocationsEndpoint)
      await registerRegister(routes, services.registrationEndpoint)
      registerHealth(routes, services)

      registerHome(routes, services)
      registerLogin(routes, services)
      registerSelectAccount(routes, services)
      if (config.signUp) registerCreateAccount(routes, services)
      registerConsent(routes, services)
      registerDevice(routes, services)
      registerLogout(routes, services)
      registerAssets(routes, services)
    },
    { prefix: basePathOf(config.issuer) },
  )
  return app
}

/** A connection that is kept alive after its last answer would hold up the stop. */
function hangUpWhenClosing(app: FastifyInstance): void {
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
  })
  app.addHook('onSend', async (_request, reply) => {
    if (isClosing) reply.header('connection', 'close')
  })
}

function serverOptions(config: Config, log: Logger): FastifyServerOptions {
  const options: FastifyServerOptions = {
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: toFastifyTrustProxy(config.trustProxy),
    clientErrorHandler: createBrokenRequestHandler(log),
    frameworkErrors: answerBadUrl,
    bodyLimit: bodyLimitBytes,
    requestTimeout: 30_000, // Fastify's default is none, not Node's five minutes
    genReqId: createRequestId,
    routerOptions: { querystringParser: (text: string): RawQuery => ({ text }) },
  }
  return config.tls ? Object.assign(options, { https: tlsOptions(config.tls) }) : options
}
