/** What an authorization request needs next, decided from stored state alone (OpenID Connect Core §3.1.2.3–4). Pure. */
import { covers, type Consent } from '../consents/consents.ts'
import { acrOf, acrValues } from '../protocol/acr.ts'
import { namesIn } from '../protocol/claims-request.ts'
import type { ErrorCode } from '../protocol/errors.ts'
import type { Session } from '../sessions/sessions.ts'
import type { IdTokenHint } from '../tokens/id-token-hints.ts'
import type { Decision } from './pending-requests.ts'
import type { AuthorizationRequest } from './request.ts'

export interface State {
  request: Omit<
    AuthorizationRequest,
    'idTokenHint' | 'dpopJkt' | 'nonce' | 'codeChallenge' | 'acrValues' | 'authorizationDetails'
  >
  /** The session of the sign-in that was made for this very request: no other is an answer to it. */
  signedInSid: string | undefined
  /** Of this very request: the sid that was chosen to go on with, or 'another'. */
  selectedAccount: string | undefined
  /** What the person answered to this very request on the consent page. */
  decision: Decision | undefined
  session: Session | undefined
  /** What the client knows the person of the session by. It learns of no other name that it is theirs. */
  subject: string | undefined
  /** Whom the request is about. A revoked hint still tells, and asks for a sign-in that is later than the request. */
  hint: Pick<IdTokenHint, 'subject' | 'isRevoked'> | undefined
  consent: Consent | undefined
  /** Whether consent is needed at all, and whether a remembered one will do. */
  consentRule: 'never' | 'remembered' | 'always'
  now: Date
}

export type NextStep =
  | { kind: 'login' | 'selectAccount' | 'createAccount' }
  | { kind: 'consent'; session: Session }
  | { kind: 'issue'; session: Session }
  | { kind: 'refuse'; code: ErrorCode; description: string }

export function nextStep(state: State): NextStep {
  const { session, request } = state
  const silent = request.prompt.has('none')
  const isAnswered = session !== undefined && isAnswer(session, state)
  if (state.decision?.answer === 'denied')
    return { kind: 'refuse', code: 'access_denied', description: 'The user did not allow it.' }

  if (!canReach(request) || (isAnswered && !reaches(session, request)))
    return {
      kind: 'refuse',
      code: 'unmet_authentication_requirements',
      description: 'None of the acr values of the claims parameter can be reached here.',
    }

  if (isAnswered && !isAskedFor(state))
    return {
      kind: 'refuse',
      code: 'login_required',
      description: 'Another user signed in than the one that the request names.',
    }

  if (request.prompt.has('create') && !isAnswered) return { kind: 'createAccount' }
  if (session && isAskedFor(state) && isToBeSelected(session, state))
    return { kind: 'selectAccount' }

  if (!session || !isAskedFor(state) || !isFreshEnough(session, state))
    return silent
      ? {
          kind: 'refuse',
          code: 'login_required',
          description: 'The user must sign in. Ask again without prompt=none.',
        }
      : { kind: 'login' }

  if (needsConsent(state))
    return silent
      ? {
          kind: 'refuse',
          code: 'consent_required',
          description: 'The user must consent. Ask again without prompt=none.',
        }
      : { kind: 'consent', session }

  return { kind: 'issue', session }
}

/** By id_token_hint, or as the value of the claim `sub` (§5.5.1). */
function isAskedFor({ subject = '', hint, request }: State): boolean {
  return (!hint || subject === hint.subject) && (request.subs?.includes(subject) ?? true)
}

/** §5.5.1.1: what is essential and out of reach is refused before anybody is asked for a password. */
function canReach({ essentialAcrValues }: State['request']): boolean {
  return essentialAcrValues?.some((acr) => acrValues.includes(acr)) ?? true
}

function reaches({ amr }: Session, { essentialAcrValues }: State['request']): boolean {
  return essentialAcrValues?.includes(acrOf(amr, essentialAcrValues) ?? '') ?? true
}

/** Whether the person signed in for this request, and goes on as the same one in the same browser. */
function isAnswer(session: Session, { signedInSid }: State): boolean {
  return session.sid === signedInSid
}

/** Neither has anything been chosen yet, nor is the choice one of another session. */
function isToBeSelected(session: Session, state: State): boolean {
  const { request, selectedAccount } = state
  if (!request.prompt.has('select_account') || isAnswer(session, state)) return false
  return selectedAccount !== session.sid && selectedAccount !== 'another'
}

function isFreshEnough(session: Session, state: State): boolean {
  const { request, hint, selectedAccount, now } = state
  if (isAnswer(session, state)) return true
  if (hint?.isRevoked || !reaches(session, request)) return false
  if (request.prompt.has('login') || selectedAccount === 'another') return false
  if (request.maxAgeSeconds === 0) return false // §3.1.2.1: the same as prompt=login
  const ageSeconds = (now.getTime() - session.authTime.getTime()) / 1000
  return request.maxAgeSeconds === undefined || ageSeconds <= request.maxAgeSeconds
}

function needsConsent({ request, session, decision, consent, consentRule }: State): boolean {
  const isCovered =
    consent !== undefined && covers(consent, { ...request, claims: namesIn(request.claims) })
  if (isCovered && decision?.answer === 'allowed' && decision.sub === session?.sub) return false
  if (request.prompt.has('consent')) return true
  if (consentRule === 'never') return false
  return consentRule === 'always' || !isCovered
}
