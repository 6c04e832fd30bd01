/**
 * Request objects by value: an authorization request in a JWT that the client signed (RFC 9101, OpenID Connect Core §6.1, FAPI
 * 2.0 Message Signing §5.3.1). What one says is all of the request; nothing is known of one that does not verify.
 */
import { errors, jwtVerify, type JWTPayload } from 'jose'
import type { ClientKeys } from '../clients/client-keys.ts'
import { requestObjectAlgorithmsOf } from '../clients/metadata-consistency.ts'
import type { Client } from '../clients/registry.ts'
import type { Clock } from '../database/clock.ts'
import { OAuthError, type ErrorOptions } from '../protocol/errors.ts'
import { isJson } from '../protocol/json.ts'
import { Params } from '../protocol/params.ts'
import { jsonParameters, keptParameters } from './parameters.ts'

export interface RequestObjects {
  /** The parameters in it; refuses with invalid_request_object. */
  open(client: Client, object: string): Promise<Params>
}

const maxLength = 64 * 1024
const maxAgeSeconds = 3600
const maxDepth = 10
const types = new Set(['jwt', 'oauth-authz-req+jwt'])

/** Said only once the signature is known to be the client's. */
const claimAdvice: Readonly<Record<string, string>> = {
  typ: 'Its typ must be oauth-authz-req+jwt, or JWT.',
  client_id: 'Its client_id must be there, and the same as the one beside it.',
  sub: 'Its sub must not be the client_id: others could use it to authenticate as the client. Leave it out.',
  iss: 'Its iss must be the client_id.',
  aud: 'Its aud must be the issuer of this server, or a list that has it.',
  exp: `It is expired, or its exp is missing or more than ${maxAgeSeconds} seconds after its nbf. Make a new one for each request.`,
  nbf: `Its nbf is missing, in the future, or more than ${maxAgeSeconds} seconds ago. Make a new one for each request.`,
  request: 'It must not have a request or a request_uri in itself.',
}

export function createRequestObjects({
  clientKeys,
  issuer,
  clock,
  skewSeconds,
}: {
  clientKeys: Pick<ClientKeys, 'verificationKeys'>
  issuer: string
  clock: Pick<Clock, 'now'>
  /** By how much a client's clock may differ from ours. */
  skewSeconds: number
}): RequestObjects {
  async function verify(client: Client, object: string) {
    try {
      return await jwtVerify(object, clientKeys.verificationKeys(client), {
        algorithms: [...requestObjectAlgorithmsOf(client.metadata)],
        clockTolerance: skewSeconds,
        currentDate: clock.now(),
      })
    } catch (error) {
      if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired)
        throw refuseClaim(error.claim)
      throw refuse(
        `It is not a JWT signed with a key of the client, by one of ${requestObjectAlgorithmsOf(client.metadata).join(', ')}.`,
        { detail: String(error), cause: error },
      )
    }
  }

  function findFaultyClaim(payload: JWTPayload, { clientId, metadata }: Client) {
    const { iss, aud, sub, exp, nbf } = payload
    const isFapi = metadata.profile === 'fapi2'
    const mustName = isFapi || metadata.require_signed_request_object === true
    if ('request' in payload || 'request_uri' in payload) return 'request' // RFC 9101 §4
    if (payload['client_id'] !== clientId) return 'client_id' // RFC 9101 §5
    if (sub === clientId) return 'sub' // RFC 9101 §10.8
    if (iss !== clientId && (mustName || iss !== undefined)) return 'iss'
    if (![aud].flat().includes(issuer) && (mustName || aud !== undefined)) return 'aud'
    if (!isFapi) return undefined
    const earliest = clock.now().getTime() / 1000 - skewSeconds - maxAgeSeconds
    if (nbf === undefined || nbf < earliest) return 'nbf'
    return exp === undefined || exp > nbf + maxAgeSeconds ? 'exp' : undefined
  }

  return {
    async open(client, object) {
      if (object.length > maxLength) throw refuse(`It is longer than ${maxLength} characters.`)
      const { payload, protectedHeader } = await verify(client, object)
      const typ: unknown = protectedHeader.typ ?? 'JWT'
      if (typeof typ !== 'string' || !types.has(typ.toLowerCase())) throw refuseClaim('typ')
      const faulty = findFaultyClaim(payload, client)
      if (faulty !== undefined) throw refuseClaim(faulty)
      return toParams(payload)
    },
  }
}

/** What means nothing in a request is passed over, the claims about the JWT itself with it. */
function toParams(payload: JWTPayload): Params {
  return new Params(
    Object.entries(payload)
      .filter(([name]) => keptParameters.has(name))
      .flatMap(([name, value]): [string, string][] =>
        name === 'resource'
          ? [value].flat().map((one) => [name, toText(name, one)])
          : [[name, toText(name, value)]],
      ),
  )
}

function toText(name: string, value: unknown): string {
  if (isJson(value, maxDepth)) {
    if (typeof value === 'string') return value
    if (Number.isSafeInteger(value)) return String(value)
    if (jsonParameters.has(name) && typeof value === 'object' && value !== null)
      return JSON.stringify(value)
  }
  throw refuse(`Its member '${name}' is not of the type that the parameter has.`)
}

function refuseClaim(claim: string): OAuthError {
  return refuse(claimAdvice[claim] ?? `Its claim ${claim} is wrong.`)
}

function refuse(advice: string, options: ErrorOptions = {}): OAuthError {
  const description = `The request object is not accepted. ${advice}`
  return new OAuthError('invalid_request_object', description, options)
}
