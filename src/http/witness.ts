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

/** RFC 8628 §3.5: a device that is told to ask again was not refused anything. */
const delays = new Set<ErrorCode>(['authorization_pending', 'slow_down'])

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
      if (error instanceof OAuthError && error.status < 500 && !delays.has(error.code))
        witness.record(toEvent(error, endpoint))
      throw error
    }
  }
}

function toEvent({ code }: OAuthError, endpoint: WatchedEndpoint): TokenEvent {
  return code === 'invalid_client'
    ? { type: 'client.refused', details: { endpoint } }
    : { type: 'token.refused', details: { endpoint, code } }
}
