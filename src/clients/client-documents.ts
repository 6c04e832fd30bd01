/** Clients by their own word: a client_id that is the URL of its metadata (draft-ietf-oauth-client-id-metadata-document). */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../database/clock.ts'
import { OAuthError, tooMany } from '../protocol/errors.ts'
import { addSeconds } from '../protocol/instants.ts'
import { readClientDocument } from './client-document.ts'
import type { DocumentStore } from './document-store.ts'
import type { FetchDocument } from './documents.ts'
import { allowedOriginsOf, type Supported } from './metadata.ts'
import type { Client, ClientRegistry } from './registry.ts'

const maxBytes = 16 * 1024
const usualSeconds = 60 * 60
const [leastSeconds, mostSeconds] = [60, 24 * 60 * 60]
const staleSeconds = 24 * 60 * 60 // what the outage of the client's site would take away
const refusalSeconds = 10
const refusalsKept = 1000

export interface ClientDocuments {
  /**
   * Any client, for the endpoints where it begins: one of a document that is no longer fresh is fetched. Refuses with
   * invalid_request when that fails and nothing is known that may serve, and when this address has named too many.
   */
  askedFrom(address: string): Pick<ClientRegistry, 'find'>
}

export function createClientDocuments({
  clients,
  store,
  fetchDocument,
  isClientIdUrl,
  supported,
  scopes,
  mayFetchUnknown,
  clock,
}: {
  clients: Pick<ClientRegistry, 'find' | 'invalidate'>
  store: DocumentStore
  fetchDocument: FetchDocument
  /** Whether a client_id is a URL that may be fetched. */
  isClientIdUrl: (clientId: string) => boolean
  supported: Supported
  /** The most that such a client may ask for. */
  scopes: readonly string[]
  /** Whether one more document that nobody has named before is fetched for this address. */
  mayFetchUnknown: (
    address: string,
  ) => Promise<{ allowed: true } | { allowed: false; retryAfterSeconds: number }>
  clock: Pick<Clock, 'now'>
}): ClientDocuments {
  const refusals = new LRUCache<string, OAuthError>({
    max: refusalsKept,
    ttl: refusalSeconds * 1000,
    ttlResolution: 0,
    perf: { now: () => clock.now().getTime() },
  })
  const underWay = new Map<string, Promise<OAuthError | undefined>>()

  async function renew(clientId: string): Promise<OAuthError | undefined> {
    const fetched = await fetchDocument(clientId, { maxBytes })
    if ('failure' in fetched)
      return refuse('could not be fetched as JSON. Ask the application.', fetched.failure)
    const read = readClientDocument(clientId, fetched.document, { supported, scopes })
    if ('fault' in read) return refuse(`has a fault: ${read.fault}`)
    const { metadata } = read
    const { maxAgeSeconds = usualSeconds } = fetched
    const seconds = Math.min(mostSeconds, Math.max(leastSeconds, maxAgeSeconds))
    const fetchedAt = clock.now()
    await store.putClient({
      clientId,
      metadata,
      allowedOrigins: allowedOriginsOf(metadata),
      document: { fetchedAt, freshUntil: addSeconds(fetchedAt, seconds) },
    })
    clients.invalidate(clientId)
    return undefined
  }

  async function renewOnce(clientId: string): Promise<OAuthError | undefined> {
    const refusal = refusals.get(clientId)
    if (refusal) return refusal
    const promise =
      underWay.get(clientId) ?? renew(clientId).finally(() => underWay.delete(clientId))
    underWay.set(clientId, promise)
    const failed = await promise
    if (failed) refusals.set(clientId, failed)
    return failed
  }

  async function limit(clientId: string, address: string): Promise<void> {
    if (refusals.has(clientId) || underWay.has(clientId)) return
    const verdict = await mayFetchUnknown(address)
    if (!verdict.allowed) throw tooMany('unknown applications', verdict.retryAfterSeconds)
  }

  async function find(clientId: string, address: string): Promise<Client | undefined> {
    const known = await clients.find(clientId)
    // Whom an administrator has stopped is not asked.
    if (!isClientIdUrl(clientId) || known?.revokedAt) return known
    const freshUntil = known?.document?.freshUntil.getTime() ?? 0
    const now = clock.now().getTime()
    if (now < freshUntil) return known
    if (!known) await limit(clientId, address)
    const refusal = await renewOnce(clientId)
    if (!refusal) return clients.find(clientId)
    if (now < freshUntil + staleSeconds * 1000) return known
    throw refusal
  }

  return { askedFrom: (address) => ({ find: (clientId) => find(clientId, address) }) }
}

/** What is said to the browser does not tell what can be reached from here; the log does. */
function refuse(description: string, detail?: string): OAuthError {
  return new OAuthError(
    'invalid_request',
    `The metadata document that the parameter 'client_id' names ${description}`,
    detail === undefined ? {} : { detail },
  )
}
