/** The watch's witness of a request, and what it sees of every refusal at an endpoint for tokens. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { OAuthError, type ErrorCode } from '../protocol/errors.ts'
import type { TokenEvent, WatchedEndpoint } from '../watch/events.ts'
import type { Watch } from '../watch/watch.ts'
import { createWitness, type Witness } from '../watch/witness.ts'
import { subnetOf } from './network.ts'

export function witnessOf(request: FastifyRequest, watch: Watch): Witness {
  const { id: requestId, log } = request
  return createWitness(watch, { requestId, log, network: subnetOf(request.ip) })
}

type WatchedHandler<Answer> = (
  request: FastifyRequest,
  witness: Witness,
  reply: FastifyReply,
) => Promise<Answer>

/** Who is told to come again was not refused anything: a device (RFC 8628 §3.5), or who gets a nonce (RFC 9449 §8). */
const delays = new Set<ErrorCode>(['authorization_pending', 'slow_down', 'use_dpop_nonce'])

/** A route's handler whose refusals are recorded; of an outage nothing is, as nobody was refused anything. */
export function watched<Answer>(
  watch: Watch,
  endpoint: WatchedEndpoint,
  handler: WatchedHandler<Answer>,
) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<Answer> => {
    const witness = witnessOf(request, watch)
    try {
      return await handler(request, witness, reply)
    } catch (error) {
      if (error instanceof OAuthError && isRefusal(error)) witness.record(toEvent(error, endpoint))
      throw error
    }
  }
}

function isRefusal({ status, code }: OAuthError): boolean {
  return status < 500 && !delays.has(code)
}

function toEvent({ code }: OAuthError, endpoint: WatchedEndpoint): TokenEvent {
  return code === 'invalid_client'
    ? { type: 'client.refused', details: { endpoint } }
    : { type: 'token.refused', details: { endpoint, code } }
}
