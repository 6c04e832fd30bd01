/** Who may exchange which token, and who acts for whom afterwards (RFC 8693 §1.1, §4.1, §4.4). */
import { isDeepStrictEqual } from 'node:util'
import type { ExchangePolicy } from '../clients/exchange-policy.ts'
import type { Client } from '../clients/registry.ts'
import type { Confirmation } from '../protocol/confirmation.ts'
import { OAuthError } from '../protocol/errors.ts'
import { isPlainObject, type JsonObject } from '../protocol/json.ts'
import type { PresentedToken } from '../tokens/presented-tokens.ts'
import type { TokenParts } from '../verifier/not-before.ts'

interface Presenter {
  client: Client
  policy: ExchangePolicy
  /** The key that the request has proven. */
  confirmation: Confirmation | undefined
}

const maxActors = 5
const maxAncestors = 10

export function requireDelegation({ delegation }: ExchangePolicy, hasActor: boolean): void {
  if (delegation === 'none' && hasActor)
    throw invalid(`This client exchanges tokens without an actor. Leave out 'actor_token'.`)
  if (delegation === 'required' && !hasActor)
    throw invalid(`This client exchanges tokens for an actor only. Send an 'actor_token'.`)
}

/**
 * A token is meant for the client when it was issued to it, or is for an API that it serves, or its policy lists the token's
 * client. One that is bound to a key needs the proof of that key, but from the API that it is for.
 */
export function requirePresenter(
  parameter: string,
  { clientId, audience, confirmation: bound }: PresentedToken,
  { client, policy, confirmation }: Presenter,
): void {
  const { subject_clients: clients = [], subject_resources: resources = [] } = policy
  const isServed = audience.some((one) => resources.includes(one))
  if (!isServed && clientId !== client.clientId && !clients.includes(clientId))
    throw invalid(
      `This client may not exchange the '${parameter}', which was not issued to it and is not for it. See its 'token_exchange'.`,
      `issued to ${clientId}`,
    )
  if (bound && !confirmation)
    throw invalid(
      `The '${parameter}' is bound to a key. Prove a key, to which the new one is bound.`,
    )
  if (bound && !isServed && !isDeepStrictEqual({ ...bound }, { ...confirmation }))
    throw invalid(`The '${parameter}' is bound to another key. Prove the key that it is bound to.`)
}

/** RFC 8693 §4.4: the subject says who may act for it. All that it says must be true of who does. */
export function requireMayAct(
  { claims }: PresentedToken,
  actor: PresentedToken | undefined,
  { clientId }: Client,
): void {
  const { may_act: allowed, iss } = claims
  if (allowed === undefined) return
  const acting: JsonObject = actor
    ? { iss, sub: actor.sub, client_id: actor.clientId }
    : { iss, sub: clientId, client_id: clientId }
  const members = isPlainObject(allowed) ? Object.entries(allowed) : []
  if (members.length === 0 || !members.every(([name, value]) => acting[name] === value))
    throw invalid(
      `The 'subject_token' says who may act for its subject, and that is somebody else.`,
    )
}

/** The `act` of the new token: the present actor around those before; without one these stay. */
export function actorsOf(
  subject: PresentedToken,
  actor: PresentedToken | undefined,
): JsonObject | undefined {
  if (!actor) return subject.act
  if (actor.act)
    throw invalid(`Somebody acts for the subject of the 'actor_token'. Present the actor's own.`)
  if (countActors(subject.act) >= maxActors)
    throw invalid(`The 'subject_token' has gone through too many actors: ${maxActors} at most.`)
  const { sub, clientId } = actor
  return { sub, client_id: clientId, ...(subject.act && { act: subject.act }) }
}

/** What takes the new token along when it is revoked, besides the subject's own user, session and grant. */
export function ancestorsOf(
  { origin: subject }: PresentedToken,
  actor: PresentedToken | undefined,
): TokenParts[] {
  const { kid, client_id, jti } = subject
  const ancestors = [
    { kid, client_id, jti },
    ...(subject.exchanged_from ?? []),
    ...(actor ? [partsOf(actor), ...(actor.origin.exchanged_from ?? [])] : []),
  ]
  if (ancestors.length > maxAncestors)
    throw invalid(`The 'subject_token' has been exchanged too often. Begin with its first one.`)
  return ancestors
}

function partsOf({ origin }: PresentedToken): TokenParts {
  const { kid, client_id, sub, sid, grant_id, jti } = origin
  return { kid, client_id, sub, sid, grant_id, jti }
}

function countActors(act: unknown): number {
  return isPlainObject(act) ? 1 + countActors(act['act']) : 0
}

function invalid(description: string, detail?: string): OAuthError {
  return new OAuthError('invalid_request', description, { ...(detail !== undefined && { detail }) })
}
