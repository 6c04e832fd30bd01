/** Pushed authorization request endpoint (RFC 9126): the client brings its request itself, and the browser a reference. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Authorization } from '../authorization/authorization.ts'
import { requireArrival } from '../authorization/arrival.ts'
import { toRequestUri, type PendingRequests } from '../authorization/pending-requests.ts'
import { resolveRecipient } from '../authorization/recipient.ts'
import { parseAuthorizationRequest } from '../authorization/request.ts'
import type { RequestObjects } from '../authorization/request-object.ts'
import type { ClientDocuments } from '../clients/client-documents.ts'
import type { Client, ClientRegistry } from '../clients/registry.ts'
import type { AuthenticateClient } from '../http/authenticate-client.ts'
import type { RateLimits } from '../http/rate-limits.ts'
import { formParams } from '../http/requests.ts'
import { limitStrangers } from '../http/strangers.ts'
import { watched } from '../http/witness.ts'
import type { Possession } from '../possession/possession.ts'
import { OAuthError } from '../protocol/errors.ts'
import { Params } from '../protocol/params.ts'
import { paths } from '../protocol/paths.ts'
import type { Watch } from '../watch/watch.ts'
import type { Witness } from '../watch/witness.ts'

export interface PushedAuthorizationDependencies {
  authenticateClient: AuthenticateClient
  possession: Pick<Possession, 'confirmPushed'>
  clientDocuments: ClientDocuments
  requestObjects: RequestObjects
  authorization: Pick<Authorization, 'check'>
  pendingRequests: Pick<PendingRequests, 'push'>
  rateLimits: Pick<RateLimits, 'strangersRequest'>
  requestPolicy: { requirePushedRequests: boolean; pushedTtlSeconds: number }
  watch: Watch
}

/** They are about the client, not about what it asks for. */
const credentials = new Set(['client_secret', 'client_assertion', 'client_assertion_type'])

export function registerPushedAuthorization(
  app: FastifyInstance,
  dependencies: PushedAuthorizationDependencies,
): void {
  const { authenticateClient, clientDocuments, requestObjects, pendingRequests } = dependencies
  const { possession, rateLimits, requestPolicy, watch } = dependencies

  app.post(paths.pushedAuthorization, watched(watch, 'par', push))

  async function push(request: FastifyRequest, witness: Witness, reply: FastifyReply) {
    // Here a client of a document may begin; it is known before it authenticates.
    const clients = clientDocuments.askedFrom(request.ip)
    const clientId = formParams(request).refuseDuplicates().get('client_id')
    if (clientId !== undefined) await clients.find(clientId)
    const { client, params: form, presented } = await authenticateClient(request, witness)
    if (form.get('request_uri') !== undefined)
      throw new OAuthError(
        'invalid_request',
        `The parameter 'request_uri' is what this endpoint answers (RFC 9126 §2.1). Send the request itself.`,
      )
    const object = form.get('request')
    const isSigned = object !== undefined
    const params = isSigned ? await requestObjects.open(client, object) : paramsOf(form, client)
    requireArrival(client, { isPushed: true, isSigned }, requestPolicy)
    await check(params, clients)
    const jkt = await possession.confirmPushed(params.get('dpop_jkt'), presented)
    const bound = jkt === undefined ? params : params.with('dpop_jkt', jkt)
    await limitStrangers(rateLimits, client, request.ip)
    const reference = await pendingRequests.push(client.clientId, bound, { isSigned })
    return reply.code(201).send({
      request_uri: toRequestUri(reference),
      expires_in: requestPolicy.pushedTtlSeconds,
    })
  }

  /** As the authorization endpoint does (RFC 9126 §2.1), which does it again. */
  async function check(params: Params, clients: Pick<ClientRegistry, 'find'>): Promise<void> {
    const recipient = await resolveRecipient(params, clients).catch(toRequestFault)
    await dependencies.authorization.check(parseAuthorizationRequest(params, recipient))
  }
}

/** A client that has authenticated need not say its name again. */
function paramsOf(form: Params, { clientId }: Client): Params {
  const parameters = form
    .entries()
    .filter(([name]) => name !== 'client_id' && !credentials.has(name))
  return new Params([['client_id', clientId], ...parameters])
}

/** RFC 9126 §2.3: the codes of an authorization response, in which there is none for redirect URIs. */
function toRequestFault(error: unknown): never {
  if (error instanceof OAuthError && error.code === 'invalid_redirect_uri')
    throw new OAuthError('invalid_request', error.description)
  throw error
}
