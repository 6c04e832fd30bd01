/** Authorization code grant (RFC 6749 §4.1.3, RFC 7636, OpenID Connect Core §3.1.3). */
import { allowedDetails, allowedScope } from '../clients/allowed-scope.ts'
import type { Clock } from '../database/clock.ts'
import { isPartOf, parseAuthorizationDetails } from '../protocol/authorization-details.ts'
import type { Confirmation } from '../protocol/confirmation.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { Params } from '../protocol/params.ts'
import { isCodeVerifier, verifierMatches } from '../protocol/pkce.ts'
import type { Codes, StoredCode } from '../tokens/codes.ts'
import type { EndGrant } from '../tokens/end-grant.ts'
import type { Targets } from '../tokens/targets.ts'
import type { Witness } from '../watch/witness.ts'
import { detailsExceeded, type GrantType } from './grant-type.ts'
import { narrowedResources } from './narrowed-resources.ts'
import { createRedeem, type RedeemDependencies } from './redeem.ts'

export function authorizationCode({
  codes,
  targets,
  endGrant,
  clock,
  ...redeeming
}: RedeemDependencies & {
  codes: Codes
  targets: Pick<Targets, 'resolve'>
  endGrant: EndGrant
  clock: Clock
}): GrantType {
  const redeem = createRedeem(redeeming)

  return {
    async exchange({ client, params, confirmation, witness }) {
      const code = params.require('code')
      const verifier = params.get('code_verifier')
      const readAt = clock.now()

      const stored = await codes.find(code)
      if (!stored) throw invalidCode('unknown')
      if (stored.clientId !== client.clientId) throw invalidCode('issued to another client')
      if (stored.consumedAt) throw await replayed(stored, witness)
      if (stored.expiresAt <= readAt) throw invalidCode('expired')
      if (stored.isEnded) throw invalidCode(ended)
      requireSameRedirectUri(stored, params)
      requireVerifier(stored, verifier)
      requireSameKey(stored, confirmation)
      const scope = allowedScope(client, stored.scope)
      const target = await targets.resolve({
        client,
        resources: narrowedResources(stored, params),
        scope,
        authorizationDetails: allowedDetails(client, narrowedDetails(stored, params)),
      })

      const redeemed = await redeem({
        client,
        grant: stored,
        target,
        scope,
        nonce: stored.nonce,
        confirmation,
        readAt,
        consume: (options) => codes.consume(code, options),
        isEnded: async () => (await codes.find(code))?.isEnded ?? true,
      })
      if (redeemed === 'replayed') throw await replayed(stored, witness)
      if (redeemed === 'ended') throw invalidCode(ended)
      if (redeemed === 'user-gone') throw invalidCode('the user is gone')
      return redeemed
    },
  }

  /** RFC 6749 §4.1.2: a code used twice is refused, and what it gave is revoked. */
  async function replayed(stored: StoredCode, witness: Witness): Promise<OAuthError> {
    await endGrant(stored.grantId, 'authorization code used twice')
    witness.record({ type: 'code.reused', ...stored })
    return invalidCode('used twice; its tokens are revoked')
  }
}

const ended = 'its session has ended, or its client was revoked'

function invalidCode(detail: string): OAuthError {
  return new OAuthError(
    'invalid_grant',
    'The code is unknown, expired, used, or was issued to another client. Start a new authorization request.',
    { detail },
  )
}

/** RFC 6749 §4.1.3: as in the authorization request, if it was included there. */
function requireSameRedirectUri(stored: StoredCode, params: Params): void {
  if (params.get('redirect_uri') !== stored.redirectUri)
    throw new OAuthError(
      'invalid_grant',
      `The parameter 'redirect_uri' must be the same as in the authorization request.`,
    )
}

/** RFC 7636 §4.6; a verifier without a challenge is a downgrade (RFC 9700 §2.1.1). */
function requireVerifier(stored: StoredCode, verifier: string | undefined): void {
  if (stored.codeChallenge === undefined) {
    if (verifier === undefined) return
    throw new OAuthError(
      'invalid_grant',
      `A 'code_verifier' came, but the authorization request had no 'code_challenge'. Send both or neither.`,
    )
  }
  if (verifier === undefined)
    throw new OAuthError('invalid_grant', `The parameter 'code_verifier' is missing.`)
  if (!isCodeVerifier(verifier) || !verifierMatches(verifier, stored.codeChallenge))
    throw new OAuthError(
      'invalid_grant',
      `The 'code_verifier' does not match the 'code_challenge'.`,
    )
}

/** RFC 9396 §6: some of what was authorized; none means all of it. */
function narrowedDetails(stored: StoredCode, params: Params) {
  const asked = parseAuthorizationDetails(params.get('authorization_details'))
  if (asked && !isPartOf(asked, stored.authorizationDetails)) throw detailsExceeded()
  return asked ?? stored.authorizationDetails
}

/** RFC 9449 §10: the key that the authorization request named. */
function requireSameKey(stored: StoredCode, proven: Confirmation | undefined): void {
  const jkt = stored.confirmation?.jkt
  if (jkt !== undefined && jkt !== proven?.jkt)
    throw new OAuthError(
      'invalid_grant',
      'The code is bound to the DPoP key that its authorization request named. Send a proof of that key.',
    )
}
