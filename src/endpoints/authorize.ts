/** Authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2, RFC 9207). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Authorization } from '../authorization/authorization.ts'
import {
  notPending,
  referenceOf,
  toRequestUri,
  type PendingRequest,
  type PendingRequests,
} from '../authorization/pending-requests.ts'
import { resolveRecipient, type Recipient } from '../authorization/recipient.ts'
import { parseAuthorizationRequest } from '../authorization/request.ts'
import {
  errorResponse,
  successResponse,
  type AuthorizationResponse,
} from '../authorization/response.ts'
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
import type { IdTokenHints } from '../tokens/id-token-hints.ts'
import type { Watch } from '../watch/watch.ts'

export interface AuthorizeDependencies {
  authorization: Authorization
  pendingRequests: PendingRequests
  clients: Pick<ClientRegistry, 'find'>
  browserSession: BrowserSession
  idTokenHints: IdTokenHints
  pages: Pages
  site: Site
  issuer: string
  watch: Watch
}

/** A request as it arrived, or as it was stored when it had to wait for a person. */
interface Received {
  params: Params
  pending?: PendingRequest & { reference: string }
}

export function registerAuthorize(app: FastifyInstance, dependencies: AuthorizeDependencies): void {
  const { authorization, pendingRequests, clients, browserSession, idTokenHints } = dependencies
  const { pages, site, issuer, watch } = dependencies

  app.route({
    method: ['GET', 'POST'],
    url: paths.authorize,
    config: { isPage: true },
    async handler(request, reply) {
      const received = await receive(anyParams(request))
      const recipient = await resolveRecipient(received.params, clients)
      try {
        return await proceed(request, reply, received, recipient)
      } catch (error) {
        if (!(error instanceof OAuthError) || error.status >= 500) throw error
        if (error.code === 'invalid_request_uri') throw error // the client has its answer
        logRefusal(request, error)
        return send(reply, errorResponse(recipient, { issuer, error }))
      }
    },
  })

  async function receive(params: Params): Promise<Received> {
    const reference = referenceOf(params.get('request_uri'))
    if (reference === undefined) return { params }
    const pending = await pendingRequests.find(reference)
    if (!pending || pending.clientId !== params.get('client_id')) throw notPending()
    return { params: new Params(pending.parameters), pending: { ...pending, reference } }
  }

  async function proceed(
    request: FastifyRequest,
    reply: FastifyReply,
    received: Received,
    recipient: Recipient,
  ): Promise<FastifyReply> {
    const { client } = recipient
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
        pages.pathOf(decision, { request: await save(received, recipient) }),
        303,
      )
    return send(reply, successResponse(recipient, { issuer, code: decision.code }))
  }

  async function save(received: Received, { client }: Recipient): Promise<string> {
    return received.pending?.reference ?? pendingRequests.save(client.clientId, received.params)
  }

  function send(reply: FastifyReply, response: AuthorizationResponse): FastifyReply {
    if (response.kind === 'form-post') return sendFormPost(reply, { pages, site, ...response })
    return reply.redirect(response.location, 303)
  }
}
