/** private_key_jwt: an assertion signed with the client's key (RFC 7523 §3, OpenID Connect Core §9). */
import { createHash } from 'node:crypto'
import { decodeJwt, errors, jwtVerify, type JWTPayload, type JWTVerifyResult } from 'jose'
import { assertionAlgorithmsOf } from '../clients/metadata-consistency.ts'
import type { Client } from '../clients/registry.ts'
import { normalizeType } from '../verifier/jws.ts'
import { refuseClient, refuseProof } from './method.ts'
import type { ClientAuthContext, ClientAuthMethod, ClientAuthRequest } from './method.ts'

const name = 'private_key_jwt'
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const maxAssertionLength = 8192
const maxJtiLength = 256
const maxLifetimeSeconds = 3600

/** RFC 8725 §3.11: a request object or a proof of the same client, with the same key, is none. */
const types = new Set<unknown>(['', 'jwt', 'client-authentication+jwt'])

/** Said only once the signature is known to be the client's. */
const claimAdvice: Readonly<Record<string, string>> = {
  typ: 'The typ of the client_assertion must be JWT or client-authentication+jwt, or left out.',
  iss: 'The iss of the client_assertion must be the client_id.',
  aud: 'The aud of the client_assertion must be the issuer of this server, as one string; its token endpoint will do for most clients.',
  exp: `The client_assertion is expired, or its exp is missing or more than ${maxLifetimeSeconds} seconds ahead. Make a new one for each request.`,
  nbf: 'The nbf of the client_assertion is in the future. Compare the clocks.',
  iat: 'The iat of the client_assertion is in the future. Compare the clocks.',
  jti: `The jti of the client_assertion must be a string of 1 to ${maxJtiLength} characters.`,
}

export const privateKeyJwt: ClientAuthMethod = {
  name,
  read(request, context) {
    const type = request.params.get('client_assertion_type')
    const assertion = request.params.get('client_assertion')
    if (type === undefined && assertion === undefined) return undefined
    if (type !== assertionType || assertion === undefined)
      throw refuseClient(
        request,
        `Send a client_assertion together with client_assertion_type=${assertionType}.`,
      )
    const clientId = readSubject(request, assertion)
    return {
      clientId,
      async prove(client) {
        const { payload, protectedHeader } = await verify(request, assertion, client, context)
        if (!types.has(normalizeType(protectedHeader.typ))) throw refuseClaim(request, 'typ')
        const faulty = findFaultyClaim(payload, client, context)
        if (faulty !== undefined) throw refuseClaim(request, faulty)
        const verdict = await context.assertions.consumeAssertion(
          createHash('sha256')
            .update(JSON.stringify([clientId, payload.jti]))
            .digest(),
          new Date((Number(payload.exp) + context.skewSeconds) * 1000),
        )
        if (verdict === 'replayed')
          throw refuseClient(
            request,
            'The client_assertion was used before. Make a new one, with a jti of its own, for each request.',
          )
      },
    }
  },
}

/** Whom the assertion speaks of, before anything in it is proven. */
function readSubject(request: ClientAuthRequest, assertion: string): string {
  if (assertion.length > maxAssertionLength)
    throw refuseClient(
      request,
      `Keep the client_assertion within ${maxAssertionLength} characters.`,
    )
  let sub: unknown
  try {
    ;({ sub } = decodeJwt(assertion))
  } catch (cause) {
    throw refuseClient(request, 'The client_assertion is not a signed JWT.', { cause })
  }
  if (typeof sub !== 'string')
    throw refuseClient(request, 'The sub of the client_assertion must be the client_id.')
  const inBody = request.params.get('client_id')
  if (inBody !== undefined && inBody !== sub)
    throw refuseClient(
      request,
      'The client_id in the body is not the sub of the client_assertion. Send the same, or leave it out.',
    )
  return sub
}

/** The signature, and the times that jose checks with it. */
async function verify(
  request: ClientAuthRequest,
  assertion: string,
  client: Client,
  { clientKeys, clock, skewSeconds }: ClientAuthContext,
): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(assertion, clientKeys.verificationKeys(client), {
      algorithms: [...assertionAlgorithmsOf(client.metadata)],
      clockTolerance: skewSeconds,
      currentDate: clock.now(),
    })
  } catch (error) {
    if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired)
      throw refuseClaim(request, error.claim)
    throw refuseProof(request, name, { detail: String(error), cause: error })
  }
}

function findFaultyClaim(
  { iss, aud, exp, iat = 0, jti }: JWTPayload,
  { clientId, metadata }: Client,
  { issuer, endpoints, clock, skewSeconds }: ClientAuthContext,
): string | undefined {
  const latest = clock.now().getTime() / 1000 + skewSeconds
  if (iss !== clientId) return 'iss'
  // FAPI 2.0 §5.3.2.1: the issuer alone, so that no other server's endpoint can be meant.
  const audiences = metadata.profile === 'fapi2' ? [issuer] : [issuer, ...endpoints]
  if (typeof aud !== 'string' || !audiences.includes(aud)) return 'aud'
  if (exp === undefined || exp > latest + maxLifetimeSeconds) return 'exp'
  if (iat > latest) return 'iat'
  return typeof jti === 'string' && jti !== '' && jti.length <= maxJtiLength ? undefined : 'jti'
}

function refuseClaim(request: ClientAuthRequest, claim: string) {
  return refuseClient(request, claimAdvice[claim] ?? `The claim ${claim} is wrong.`)
}
