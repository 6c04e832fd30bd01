/** Dynamic client registration (RFC 7591, OpenID Connect Registration) and what a client may then do to it (RFC 7592). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { toClientInformation } from '../clients/registration.ts'
import { ofOtherType, requireJson, takeJson } from '../http/json-body.ts'
import type { RateLimits } from '../http/rate-limits.ts'
import { watched } from '../http/witness.ts'
import { OAuthError, tooMany } from '../protocol/errors.ts'
import type { JsonObject } from '../protocol/json.ts'
import { paths } from '../protocol/paths.ts'
import { onlyRegistrable } from '../registration/metadata.ts'
import type { Registered, Registrations, SelfRegistered } from '../registration/registrations.ts'
import type { Watch } from '../watch/watch.ts'
import type { Witness } from '../watch/witness.ts'
import { challenge, requireBearerToken } from './bearer-token.ts'

export interface RegisterDependencies {
  mode: 'off' | 'token' | 'open'
  registrations: Registrations
  rateLimits: Pick<RateLimits, 'registration'>
  issuer: string
  watch: Watch
}

type OfClient = { Params: { clientId: string } }

const clientPath = `${paths.register}/:clientId`

export async function registerRegister(
  app: FastifyInstance,
  { mode, registrations, rateLimits, issuer, watch }: RegisterDependencies,
): Promise<void> {
  await app.register(async (routes) => {
    takeJson(routes)
    routes.addHook('onRequest', refuseWhenOff)
    routes.setErrorHandler((error) => {
      throw ofOtherType(error) ?? error
    })
    routes.post(paths.register, watched(watch, 'register', register))
    routes.put(clientPath, watched(watch, 'register', replace))
  })

  await app.register(async (routes) => {
    ignoreBodies(routes)
    routes.addHook('onRequest', refuseWhenOff)
    routes.get(clientPath, watched(watch, 'register', read))
    routes.delete(clientPath, watched(watch, 'register', remove))
  })

  async function refuseWhenOff(): Promise<void> {
    if (mode === 'off')
      throw new OAuthError(
        'not_found',
        'Client registration is off. Ask an administrator, who makes clients by: claviger clients create.',
      )
  }

  async function register(request: FastifyRequest, witness: Witness, reply: FastifyReply) {
    const input = requireJson(request)
    const token = initialAccessToken(request)
    if (token === undefined) await limit(request)
    const registered = await registrations.register(input, token)
    if (registered === 'token-refused')
      throw challenge(
        'invalid_token',
        'The initial access token is unknown, expired, revoked or used up. Ask an administrator for another.',
      )
    witness.record({ type: 'client.registered', clientId: registered.client.clientId })
    return reply.code(201).send(toAnswer(registered, registered.accessToken))
  }

  async function read(request: FastifyRequest, witness: Witness) {
    const { registered, accessToken } = await authenticate(request, witness)
    return toAnswer({ ...registered, clientSecret: undefined }, accessToken)
  }

  async function replace(request: FastifyRequest, witness: Witness) {
    const { registered, accessToken } = await authenticate(request, witness)
    if (!registered.isVouchedFor) await limit(request) // each change is recorded
    const changed = await registrations.replace(registered, requireJson(request))
    if (!changed) throw refuseAccessToken()
    return toAnswer(changed, accessToken)
  }

  async function remove(request: FastifyRequest, witness: Witness, reply: FastifyReply) {
    const { registered } = await authenticate(request, witness)
    await registrations.delete(registered)
    return reply.code(204).send()
  }

  /** RFC 7591 §3: without one only where registration is open; one that is sent must count there, too. */
  function initialAccessToken(request: FastifyRequest): string | undefined {
    if (request.headers.authorization !== undefined) return requireBearerToken(request)
    if (mode === 'open') return undefined
    throw challenge(
      'invalid_token',
      'Registering needs an initial access token. Ask an administrator for one, and send it as Authorization: Bearer.',
    )
  }

  async function limit(request: FastifyRequest): Promise<void> {
    const verdict = await rateLimits.registration(request.ip)
    if (!verdict.allowed) throw tooMany('registrations', verdict.retryAfterSeconds)
  }

  /** RFC 7592 §2: an unknown client is told like a wrong token. */
  async function authenticate(
    request: FastifyRequest,
    witness: Witness,
  ): Promise<{ registered: SelfRegistered; accessToken: string }> {
    const { clientId } = (request as FastifyRequest<OfClient>).params
    const accessToken = requireBearerToken(request)
    const registered = await registrations.find(clientId, accessToken)
    if (!registered) throw refuseAccessToken()
    witness.learn({ clientId })
    return { registered, accessToken }
  }

  /** RFC 7591 §3.2.1, RFC 7592 §3. */
  function toAnswer(
    { client, clientSecret, softwareStatement }: Registered,
    accessToken: string,
  ): JsonObject {
    const metadata = onlyRegistrable(client.metadata)
    return {
      ...toClientInformation({ ...client, metadata }, clientSecret),
      ...(softwareStatement !== undefined && { software_statement: softwareStatement }),
      registration_access_token: accessToken,
      registration_client_uri: `${issuer}${paths.register}/${client.clientId}`,
    }
  }
}

function refuseAccessToken(): OAuthError {
  return challenge(
    'invalid_token',
    'The registration access token is not that of a client that may change its registration here.',
  )
}

/** Some clients send a Content-Type with everything. */
function ignoreBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, async () => undefined)
}
