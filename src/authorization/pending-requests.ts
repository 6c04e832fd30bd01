/**
 * Authorization requests that wait for a person, or were pushed and wait for the browser (RFC 9126). The browser carries a reference, the database its hash and the request. Its
 * code ends it (tokens/codes.ts); after a refusal the person may go back and think again.
 */
import type { Clock } from '../database/clock.ts'
import { OAuthError } from '../protocol/errors.ts'
import { addSeconds } from '../protocol/instants.ts'
import { Params } from '../protocol/params.ts'
import { createSecret, hashSecret } from '../protocol/secrets.ts'
import type { Arrival } from './arrival.ts'
import { keptParameters } from './parameters.ts'
import type { PendingRequestStore } from './store.ts'

export interface PendingRequest extends Arrival {
  clientId: string
  parameters: [string, string][]
  createdAt: Date
  decision: Decision | undefined
  /** The session of the sign-in that was made for this very request. */
  signedInSid: string | undefined
  /** What was answered to prompt=select_account: the sid of the session to go on with, or 'another' to sign in anew. */
  selectedAccount: string | undefined
  /** A pushed one that has waited for a person. */
  isProlonged: boolean
}

/** What a person answered to this very request, on the consent page or instead of signing in. */
export interface Decision {
  answer: 'allowed' | 'denied'
  /** Empty for who would not sign in. */
  sub: string
}

export interface PendingRequests {
  /** Keeps the parameters that mean something here, and answers the reference. */
  save(clientId: string, params: Params, how?: Pick<Arrival, 'isSigned'>): Promise<string>
  /** The same for one that the client pushed, which has less time to be brought by a browser. */
  push(clientId: string, params: Params, how?: Pick<Arrival, 'isSigned'>): Promise<string>
  /** Gives a pushed request that has to wait for a person the time that persons have, from its first wait on. */
  prolong(reference: string): Promise<void>
  find(reference: string): Promise<PendingRequest | undefined>
  setDecision(reference: string, decision: Decision): Promise<void>
  /** Takes back what was decided before: who signs in goes on. */
  setSignIn(reference: string, sid: string): Promise<void>
  setSelectedAccount(reference: string, account: string): Promise<void>
}

/** RFC 9126 §2.2: the form of a request_uri that this server gave out. */
const requestUriPrefix = 'urn:ietf:params:oauth:request_uri:'

export const toRequestUri = (reference: string): string => requestUriPrefix + reference

export function referenceOf(requestUri: string | undefined): string | undefined {
  return requestUri?.startsWith(requestUriPrefix)
    ? requestUri.slice(requestUriPrefix.length)
    : undefined
}

export function createPendingRequests({
  store,
  clock,
  ttlSeconds,
  pushedTtlSeconds,
}: {
  store: PendingRequestStore
  clock: Clock
  ttlSeconds: number
  pushedTtlSeconds: number
}): PendingRequests {
  async function insert(clientId: string, params: Params, arrival: Arrival): Promise<string> {
    const reference = createSecret()
    const createdAt = clock.now()
    await store.insert(hashSecret(reference), {
      clientId,
      parameters: params.entries().filter(([name]) => keptParameters.has(name)),
      createdAt,
      expiresAt: addSeconds(createdAt, arrival.isPushed ? pushedTtlSeconds : ttlSeconds),
      ...arrival,
    })
    return reference
  }

  return {
    save: (clientId, params, { isSigned } = unsigned) =>
      insert(clientId, params, { isPushed: false, isSigned }),
    push: (clientId, params, { isSigned } = unsigned) =>
      insert(clientId, params, { isPushed: true, isSigned }),
    async prolong(reference) {
      const now = clock.now()
      await store.prolong(hashSecret(reference), now, addSeconds(now, ttlSeconds))
    },
    find: (reference) => store.find(hashSecret(reference), clock.now()),
    setDecision: (reference, decision) => store.setDecision(hashSecret(reference), decision),
    setSignIn: (reference, sid) => store.setSignIn(hashSecret(reference), sid),
    setSelectedAccount: (reference, account) =>
      store.setSelectedAccount(hashSecret(reference), account),
  }
}

const unsigned = { isSigned: false }

export function notPending(): OAuthError {
  return new OAuthError(
    'invalid_request_uri',
    'This sign-in is unknown, has expired or was finished before. Start again from the application.',
  )
}
