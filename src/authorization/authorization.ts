/** Decides an authorization request: what it needs next, and when nothing is missing, the code. */
import type { Consent } from '../consents/consents.ts'
import type { Clock } from '../database/clock.ts'
import type { Keyring } from '../keys/keyring.ts'
import { verifyOwnToken } from '../keys/own-tokens.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { Session } from '../sessions/sessions.ts'
import type { Codes } from '../tokens/codes.ts'
import type { Targets } from '../tokens/targets.ts'
import { consentRuleOf } from './consent-rule.ts'
import { nextStep } from './next-step.ts'
import { requestHashOf, type Decision } from './pending-requests.ts'
import type { Recipient } from './recipient.ts'
import type { AuthorizationRequest } from './request.ts'

export interface AuthorizationState {
  request: AuthorizationRequest
  recipient: Recipient
  /** If it has waited for a person. */
  pending?: { reference: string; decision: Decision | undefined; signedInSid: string | undefined }
  session?: Session | undefined
  consent?: Consent | undefined
}

export interface Authorization {
  /** Refusals are thrown; they go to the client. A request that has waited gets one code: then it is answered. */
  decide(
    state: AuthorizationState,
  ): Promise<'login' | 'consent' | 'answered-before' | { code: string }>
}

export function createAuthorization({
  codes,
  targets,
  keyring,
  issuer,
  clock,
}: {
  codes: Pick<Codes, 'create' | 'createInAnswerTo'>
  targets: Pick<Targets, 'requireRegistered'>
  keyring: Pick<Keyring, 'find'>
  issuer: string
  clock: Pick<Clock, 'now'>
}): Authorization {
  async function hintedSub(hint: string | undefined): Promise<string | undefined> {
    if (hint === undefined) return undefined
    const now = clock.now()
    const verdict = await verifyOwnToken(keyring, hint, {
      typ: 'JWT',
      issuer,
      now,
      allowExpired: true,
    })
    if (verdict.valid) return String(verdict.claims['sub'])
    throw new OAuthError(
      'invalid_request',
      `The parameter 'id_token_hint' is not an ID token of this issuer.`,
      { detail: verdict.detail },
    )
  }

  return {
    async decide({ request, recipient, pending, session, consent }) {
      const { client, redirectUri, redirectUriGiven } = recipient
      const { scope, resources } = request
      await targets.requireRegistered(resources)

      const now = clock.now()
      const step = nextStep({
        request,
        decision: pending?.decision,
        signedInSid: pending?.signedInSid,
        session,
        hintedSub: await hintedSub(request.idTokenHint),
        consent,
        consentRule: consentRuleOf(client, redirectUri),
        now,
      })
      if (step.kind === 'refuse') throw new OAuthError(step.code, step.description)
      if (step.kind !== 'issue') return step.kind

      const { sub, sid, authTime, amr } = step.session
      const grant = {
        clientId: client.clientId,
        sub,
        sid,
        authTime,
        amr,
        scope,
        resources,
        redirectUri: redirectUriGiven ? redirectUri : undefined,
        nonce: request.nonce,
        codeChallenge: request.codeChallenge,
      }
      if (!pending) return { code: await codes.create(grant) }
      const code = await codes.createInAnswerTo(requestHashOf(pending.reference), grant)
      return code === undefined ? 'answered-before' : { code }
    },
  }
}
