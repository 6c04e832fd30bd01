/** Answers proxies that ask whether a request may pass: nginx `auth_request`, Traefik and Caddy, Envoy `ext_authz`. */
import fastify, { LogController } from 'fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify'
import type { Logger } from 'pino'
import { VerificationError } from '../verifier/errors.ts'
import { createGuard, type Guard } from '../verifier/node-request.ts'
import type { VerifiedToken, Verifier } from '../verifier/verifier.ts'
import {
  readEnvoyRequest,
  readForwardedRequest,
  readNginxRequest,
  type OriginalRequest,
} from './original-request.ts'
import { createRules, decodePath, type AccessRule } from './rules.ts'

export interface GatewayDependencies {
  verifier: Verifier
  rules: readonly AccessRule[]
  /** Where clients reach the services, such as https://api.example.com. */
  publicUrl: string
  log: Logger
}

const envoyPrefix = '/envoy'

/** A service that obeys one of these would do another thing than the rule was found for. */
const methodOverrides = ['x-http-method-override', 'x-http-method', 'x-method-override']

export function createGatewayApp({
  verifier,
  rules,
  publicUrl,
  log,
}: GatewayDependencies): FastifyInstance {
  const findRule = createRules(rules)
  const guards = new Map(
    rules.map((rule) => [rule, createGuard(verifier, { ...rule, baseUrl: publicUrl })]),
  )
  const guardOf = (rule: AccessRule): Guard => guards.get(rule)!
  const app = fastify(serverOptions(log))
  app.removeAllContentTypeParsers()
  // Whatever body comes along is the service's business.
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume()
    done(null)
  })

  app.get('/health/live', () => ({ status: 'live' }))
  app.get('/health/ready', async (_request, reply) => {
    try {
      await verifier.ready()
    } catch {
      reply.code(503)
    }
    return verifier.status()
  })

  app.all('/nginx', (request, reply) => answer(request, reply, readNginxRequest(request.headers)))
  app.all('/forwarded', (request, reply) =>
    answer(request, reply, readForwardedRequest(request.headers)),
  )
  app.all(`${envoyPrefix}/*`, (request, reply) =>
    answer(request, reply, readEnvoyRequest(request, envoyPrefix)),
  )
  return app

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: OriginalRequest | undefined,
  ): Promise<FastifyReply> {
    if (!asked) return refuse(reply, 'request_untold', {})
    const path = decodePath(asked.url)
    // Without what follows the path, which may be a secret.
    if (path === undefined)
      return refuse(reply, 'path_ambiguous', { path: asked.url.split(/[?#]/, 1)[0] })
    // Methods tell upper from lower case (RFC 9110 §9.1); not all services do.
    if (!/^[A-Z-]+$/.test(asked.method)) return refuse(reply, 'method_unusual', { path })
    if (methodOverrides.some((name) => request.headers[name] !== undefined))
      return refuse(reply, 'method_override', { path })
    const rule = findRule({ method: asked.method, path })
    if (!rule) return refuse(reply, 'no_rule', { method: asked.method, path })
    if (rule.public) return pass(reply, undefined)
    const guard = guardOf(rule)
    const original = { ...asked, headers: request.headers, rawHeaders: request.raw.rawHeaders }
    try {
      return pass(reply, await guard.authenticate(original))
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error
      reply.log.info({ method: asked.method, path, code: error.code }, 'refused')
      const { status, headers, body } = guard.answerTo(error, original)
      return reply.code(status).headers(headers).send(body)
    }
  }
}

function refuse(reply: FastifyReply, code: string, details: object): FastifyReply {
  reply.log.info({ ...details, code }, 'refused')
  return reply.code(403).send({ error: code })
}

/** Each header is there in any case, so that one that the client itself has sent does not reach the service. */
function pass(reply: FastifyReply, token: VerifiedToken | undefined): FastifyReply {
  const { sub = '', client_id = '', scope = '' } = token?.claims ?? {}
  return reply
    .code(200)
    .headers({
      'cache-control': 'no-store',
      'x-token-sub': toHeader(sub),
      'x-token-client-id': toHeader(client_id),
      'x-token-scope': toHeader([scope].flat().join(' ')), // some issuers write an array
    })
    .send()
}

function serverOptions(log: Logger): FastifyServerOptions {
  return {
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: 10_000,
    routerOptions: { maxParamLength: 16 * 1024 },
  }
}

/** Visible ASCII as it is; anything else percent-encoded. */
function toHeader(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(text)
}
