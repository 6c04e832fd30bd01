/** Authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2, RFC 9207). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { requireArrival, type Arrival } from '../authorization/arrival.ts'
import type { Authorization } from '../authorization/authorization.ts'
import {
  notPending,
  referenceOf,
  toRequestUri,
  type PendingRequest,
  type PendingRequests,
} from '../authorization/pending-requests.ts'
import { resolveClient, resolveRecipient, type Recipient } from '../authorization/recipient.ts'
import { parseAuthorizationRequest } from '../authorization/request.ts'
import type { RequestObjects } from '../authorization/request-object.ts'
import type { AuthorizationResponse, AuthorizationResponses } from '../authorization/response.ts'
import type { ClientDocuments } from '../clients/client-documents.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import type { BrowserSession } from '../http/browser-session.ts'
import { logRefusal } from '../http/error-handler.ts'
import type { Pages } from '../http/pages.ts'
import { anyParams } from '../http/requests.ts'
import { witnessOf } from '../http/witness.ts'
import { sendFormPost } from '../pages/form-post.tsx'
import type { Site } from '../pages/layout.tsx'
import { OAuthError } from '../protocol/errors.ts'
import { Params } from '../protocol/params.ts'
import { paths } from '../protocol/paths.ts'
import { isNative } from '../protocol/redirect-uri.ts'
import type { IdTokenHints } from '../tokens/id-token-hints.ts'
import type { Watch } from '../watch/watch.ts'

export interface AuthorizeDependencies {
  authorization: Authorization
  pendingRequests: PendingRequests
  clientDocuments: ClientDocuments
  browserSession: BrowserSession
  idTokenHints: IdTokenHints
  pages: Pages
  site: Site
  requestObjects: RequestObjects
  responses: AuthorizationResponses
  requestPolicy: { requirePushedRequests: boolean }
  watch: Watch
}

type Clients = Pick<ClientRegistry, 'find'>

/** A request as it arrived, or as it was stored when it was pushed or had to wait for a person. */
interface Received {
  params: Params
  arrival: Arrival
  pending?: PendingRequest & { reference: string }
}

export function registerAuthorize(app: FastifyInstance, dependencies: AuthorizeDependencies): void {
  const { authorization, pendingRequests, clientDocuments, browserSession } = dependencies
  const { idTokenHints, pages, site, requestObjects, responses } = dependencies
  const { requestPolicy, watch } = dependencies

  app.route({
    method: ['GET', 'POST'],
    url: paths.authorize,
    config: { isPage: true },
    async handler(request, reply) {
      const clients = clientDocuments.askedFrom(request.ip)
      const received = await receive(anyParams(request), clients)
      const recipient = await resolveRecipient(received.params, clients)
      try {
        return await proceed(request, reply, received, recipient)
      } catch (error) {
        if (!(error instanceof OAuthError) || error.status >= 500) throw error
        if (error.code === 'invalid_request_uri') throw error // the client has its answer
        if (!(await isTrusted(request, received, recipient))) throw error
        logRefusal(request, error)
        return send(reply, await responses.withError(recipient, error))
      }
    },
  })

  /** RFC 9700 §4.11.2: no mere link leads through us to where the document of a stranger says. */
  async function isTrusted(
    request: FastifyRequest,
    { pending }: Received,
    { client, redirectUri }: Recipient,
  ): Promise<boolean> {
    if (!client.document || isNative(redirectUri) || pending?.decision) return true
    return (await browserSession.findWithConsent(request, client.clientId)).consent !== undefined
  }

  async function receive(params: Params, clients: Clients): Promise<Received> {
    const requestUri = params.get('request_uri')
    const reference = referenceOf(requestUri)
    const object = params.get('request')
    if (object !== undefined && requestUri !== undefined)
      throw new OAuthError(
        'invalid_request',
        `The parameters 'request' and 'request_uri' exclude each other (RFC 9101 §5). Send one.`,
      )
    if (reference !== undefined) {
      const pending = await pendingRequests.find(reference)
      if (!pending || pending.clientId !== params.get('client_id')) throw notPending()
      const stored = new Params(pending.parameters)
      return { params: stored, arrival: pending, pending: { ...pending, reference } }
    }
    if (object === undefined) return { params, arrival: { isPushed: false, isSigned: false } }
    const client = await resolveClient(params, clients)
    return {
      params: await requestObjects.open(client, object),
      arrival: { isPushed: false, isSigned: true },
    }
  }

  async function proceed(
    request: FastifyRequest,
    reply: FastifyReply,
    received: Received,
    recipient: Recipient,
  ): Promise<FastifyReply> {
    const { client } = recipient
    requireArrival(client, received.arrival, requestPolicy)
    const authorizationRequest = parseAuthorizationRequest(received.params, recipient)
    // A form posted by the client's site comes without our cookie (SameSite=Lax); the redirect brings it.
    if (request.method === 'POST')
      return reply.redirect(
        pages.pathOf('authorize', {
          client_id: client.clientId,
          request_uri: toRequestUri(await save(received, recipient)),
        }),
        303,
      )

    const [hint, known] = await Promise.all([
      idTokenHints.read(authorizationRequest.idTokenHint),
      browserSession.findWithConsent(request, client.clientId),
    ])
    const use = { type: 'session.used', clientId: client.clientId, ...known.session } as const
    if (known.session) witnessOf(request, watch).record(use)
    const decision = await authorization.decide({
      request: authorizationRequest,
      recipient,
      hint,
      ...(received.pending && { pending: received.pending }),
      ...known,
    })
    if (decision === 'answered-before') throw notPending()
    if (typeof decision === 'string')
      return reply.redirect(
        pages.pathOf(decision, { request: await letWait(received, recipient) }),
        303,
      )
    return send(reply, await responses.withCode(recipient, decision.code))
  }

  async function save(received: Received, { client }: Recipient): Promise<string> {
    const { params, arrival, pending } = received
    return pending?.reference ?? pendingRequests.save(client.clientId, params, arrival)
  }

  async function letWait(received: Received, recipient: Recipient): Promise<string> {
    const reference = await save(received, recipient)
    const { pending } = received
    if (pending?.isPushed && !pending.isProlonged) await pendingRequests.prolong(reference)
    return reference
  }

  function send(reply: FastifyReply, response: AuthorizationResponse): FastifyReply {
    if (response.kind === 'form-post') return sendFormPost(reply, { pages, site, ...response })
    return reply.redirect(response.location, 303)
  }
}
