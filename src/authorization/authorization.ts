/** Decides an authorization request: what it needs next, and when nothing is missing, the code. */
import type { Consent } from '../consents/consents.ts'
import type { Clock } from '../database/clock.ts'
import { acrOf } from '../protocol/acr.ts'
import { requireTypes } from '../protocol/authorization-details.ts'
import { OAuthError } from '../protocol/errors.ts'
import { hashSecret } from '../protocol/secrets.ts'
import type { Session } from '../sessions/sessions.ts'
import type { Codes } from '../tokens/codes.ts'
import type { IdTokenHint } from '../tokens/id-token-hints.ts'
import type { Subjects } from '../tokens/subjects.ts'
import type { Targets } from '../tokens/targets.ts'
import { consentRuleOf } from './consent-rule.ts'
import { nextStep, type NextStep } from './next-step.ts'
import type { PendingRequest } from './pending-requests.ts'
import type { Recipient } from './recipient.ts'
import type { AuthorizationRequest } from './request.ts'

export interface AuthorizationState {
  request: AuthorizationRequest
  recipient: Recipient
  /** What the request's id_token_hint says. */
  hint: IdTokenHint | undefined
  /** If it has waited for a person. */
  pending?: Pick<PendingRequest, 'decision' | 'signedInSid' | 'selectedAccount'> & {
    reference: string
  }
  session?: Session | undefined
  consent?: Consent | undefined
}

/** Where a person has to go first, as protocol/paths names it. */
export type Page = Exclude<NextStep['kind'], 'issue' | 'refuse'>

export interface Authorization {
  /** Refuses what nobody could be given here; to be asked where a request is pushed, too (RFC 9126 §2.1). */
  check(request: AuthorizationRequest): Promise<void>
  /** Refusals are thrown; they go to the client. A request that has waited gets one code: then it is answered. */
  decide(state: AuthorizationState): Promise<Page | 'answered-before' | { code: string }>
}

export function createAuthorization({
  codes,
  subjects,
  targets,
  settings,
  clock,
}: {
  codes: Pick<Codes, 'create' | 'createInAnswerTo'>
  subjects: Pick<Subjects, 'of'>
  targets: Pick<Targets, 'requireRegistered'>
  settings: { signUp: boolean; authorizationDetailsTypes: readonly string[] }
  clock: Pick<Clock, 'now'>
}): Authorization {
  async function check({ resources, prompt, authorizationDetails }: AuthorizationRequest) {
    await targets.requireRegistered(resources)
    requireTypes(authorizationDetails, settings.authorizationDetailsTypes, 'known here')
    if (prompt.has('create') && !settings.signUp)
      throw new OAuthError(
        'invalid_request',
        `The parameter 'prompt' has the value create, but people cannot sign up here. Leave it out.`,
      )
  }

  return {
    check,

    async decide({ request, recipient, hint, pending, session, consent }) {
      const { client, redirectUri, redirectUriGiven } = recipient
      const { scope, resources, authorizationDetails } = request
      await check(request)

      const pairwise = session && subjects.of(client, session.sub)
      const now = clock.now()
      const step = nextStep({
        request,
        decision: pending?.decision,
        signedInSid: pending?.signedInSid,
        selectedAccount: pending?.selectedAccount,
        session,
        subject: pairwise ?? session?.sub,
        hint,
        consent,
        consentRule: consentRuleOf(client, redirectUri, request),
        now,
      })
      if (step.kind === 'refuse') throw new OAuthError(step.code, step.description)
      if (step.kind !== 'issue') return step.kind

      const { sub, sid, authTime, amr } = step.session
      const grant = {
        clientId: client.clientId,
        sub,
        subject: pairwise,
        sid,
        authTime,
        amr,
        acr: acrOf(amr, request.acrValues),
        claims: request.claims,
        authorizationDetails,
        scope,
        resources,
        redirectUri: redirectUriGiven ? redirectUri : undefined,
        nonce: request.nonce,
        codeChallenge: request.codeChallenge,
        confirmation: request.dpopJkt === undefined ? undefined : { jkt: request.dpopJkt },
        longestTtlSeconds: client.metadata.profile === 'fapi2' ? 60 : undefined, // FAPI 2.0 §5.3.2.1
      }
      if (!pending) return { code: await codes.create(grant) }
      const code = await codes.createInAnswerTo(hashSecret(pending.reference), grant)
      return code === undefined ? 'answered-before' : { code }
    },
  }
}
