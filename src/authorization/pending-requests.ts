/** Authorization requests that wait for a person. The browser carries a reference, the database its hash and the request. */
import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../database/clock.ts'
import { Params } from '../protocol/params.ts'
import type { PendingRequestStore } from './store.ts'

export interface PendingRequest {
  clientId: string
  parameters: [string, string][]
  createdAt: Date
  decision: Decision | undefined
}

/** What a person answered to this very request on the consent page. */
export interface Decision {
  answer: 'allowed' | 'denied'
  sub: string
}

export interface PendingRequests {
  /** Answers the reference. */
  save(clientId: string, params: Params): Promise<string>
  find(reference: string): Promise<PendingRequest | undefined>
  setDecision(reference: string, decision: Decision): Promise<void>
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
}: {
  store: PendingRequestStore
  clock: Clock
  ttlSeconds: number
}): PendingRequests {
  return {
    async save(clientId, params) {
      const reference = randomBytes(32).toString('base64url')
      const createdAt = clock.now()
      await store.insert(hash(reference), {
        clientId,
        parameters: params.entries(),
        createdAt,
        expiresAt: new Date(createdAt.getTime() + ttlSeconds * 1000),
      })
      return reference
    },
    find: (reference) => store.find(hash(reference), clock.now()),
    setDecision: (reference, decision) => store.setDecision(hash(reference), decision),
  }
}

function hash(reference: string): Buffer {
  return createHash('sha256').update(reference).digest()
}
