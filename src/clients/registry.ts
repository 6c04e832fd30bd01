/** The registry of clients: from memory for every request, and what an administrator does to it. */
import type { Clock } from '../database/clock.ts'
import { Refusal } from '../protocol/refusal.ts'
import { createSecret } from '../protocol/secrets.ts'
import { createCache } from './cache.ts'
import type { ClientMetadata, Supported } from './metadata.ts'
import { settleClient, type Registration } from './registration.ts'
import { quote } from './rules.ts'
import { createClientId, isClientId } from './secrets.ts'
import { isSameSector, type FindSectorFault } from './sector.ts'
import type { ClientStore, StoredClient } from './store.ts'

export interface Client extends StoredClient {
  /** It cannot keep a secret, and so does not authenticate (RFC 6749 §2.1). */
  isPublic: boolean
}

export interface WrittenClient {
  client: Client
  /** The secret in clear when it is new: it cannot be shown again. */
  clientSecret: string | undefined
  /** Sentences for the administrator. */
  warnings: string[]
}

export interface ClientRegistry {
  find(clientId: string): Promise<Client | undefined>
  /** Whether a browser at this origin may read our answers (CORS). */
  isAllowedOrigin(origin: string): Promise<boolean>
  /** Forgets one client, or all; to be called on every NOTIFY on `clientsChannel`. */
  invalidate(clientId?: string): void
  list(): Promise<Client[]>
  /** Those that a sign-in of this user can start from here, by name; a hundred at most. */
  listStartable(sub: string): Promise<Client[]>
  /** Takes RFC 7591 metadata, with a client_id and a client_secret where they are to be given ones. */
  create(input: unknown): Promise<WrittenClient>
  /** Given members replace, null removes, all others stay. */
  update(clientId: string, input: unknown): Promise<WrittenClient>
  /** The former secret stops working at once. */
  rotateSecret(clientId: string, clientSecret?: string): Promise<WrittenClient>
  /** It may do nothing any more; what it holds is for others to revoke. */
  disable(clientId: string): Promise<void>
  delete(clientId: string): Promise<void>
}

export interface ClientRegistryDependencies {
  store: ClientStore
  clock: Clock
  /** How many clients a node keeps in memory. */
  cacheSize: number
  supported: Supported
  /** Which URLs are client_ids too; none unless it says so. */
  isClientIdUrl?: (text: string) => boolean
  findSectorFault: FindSectorFault
}

const maxOriginLength = 300
const maxStartable = 100

export function createClientRegistry(dependencies: ClientRegistryDependencies): ClientRegistry {
  const { store, clock, cacheSize, supported, findSectorFault } = dependencies
  const { isClientIdUrl = () => false } = dependencies

  const clients = createCache({
    load: async (clientId) => {
      const stored = await store.findClient(clientId)
      return stored && toClient(stored)
    },
    clock,
    cacheSize,
  })

  const origins = createCache({
    load: async (origin) => ((await store.isAllowedOrigin(origin)) ? { origin } : undefined),
    clock,
    cacheSize,
  })

  function invalidate(clientId?: string): void {
    clients.invalidate(clientId)
    origins.invalidate()
  }

  async function requireSector(metadata: ClientMetadata, before?: ClientMetadata): Promise<void> {
    const fault = await findSectorFault(metadata, before)
    if (fault)
      throw new Refusal(
        [fault.message, fault.detail && `It was ${fault.detail}.`].filter(Boolean).join(' '),
      )
  }

  /** Asks for the sector's document before the client is held. */
  async function settleSector(
    clientId: string,
    input: unknown,
  ): Promise<ClientMetadata | undefined> {
    const current = await store.findClient(clientId)
    if (!current || current.document) return undefined
    const { metadata } = settleClient(input, supported, current).settings
    await requireSector(metadata, current.metadata)
    return metadata
  }

  async function update(clientId: string, input: unknown): Promise<WrittenClient> {
    const settled = await settleSector(clientId, input)
    const written = await store.changeClient(clientId, (current) => {
      if (current.document)
        throw new Refusal(
          `The client ${quote(clientId)} describes itself by the document at that URL. Change it there; here it can be revoked or deleted.`,
        )
      const registration = settleClient(input, supported, current)
      if (!settled || !isSameSector(registration.settings.metadata, settled))
        throw changedMeanwhile(clientId)
      return toWritten(registration, { ...current, updatedAt: clock.now() })
    })
    if (!written) throw unknownClient(clientId)
    invalidate(clientId)
    return written
  }

  return {
    find: async (clientId) =>
      isClientId(clientId) || isClientIdUrl(clientId) ? clients.find(clientId) : undefined,

    isAllowedOrigin: async (origin) =>
      origin.length <= maxOriginLength && (await origins.find(origin)) !== undefined,

    invalidate,

    list: async () => (await store.listClients()).map(toClient),

    listStartable: async (sub) => (await store.listStartable(sub, maxStartable)).map(toClient),

    async create(input) {
      const registration = settleClient(input, supported)
      await requireSector(registration.settings.metadata)
      const clientId = registration.clientId ?? createClientId()
      const now = clock.now()
      const times = { createdAt: now, updatedAt: now, revokedAt: undefined }
      const written = toWritten(registration, { clientId, ...times })
      if ((await store.insertClient(written.client)) === 'exists')
        throw new Refusal(
          `A client with the client_id ${quote(clientId)} exists already. Update it, or choose another client_id.`,
        )
      invalidate(clientId)
      return written
    },

    update,

    rotateSecret: (clientId, clientSecret = createSecret()) =>
      update(clientId, { client_secret: clientSecret }),

    async disable(clientId) {
      const verdict = await store.disableClient(clientId, clock.now())
      if (verdict === 'unknown') throw unknownClient(clientId)
      invalidate(clientId)
    },

    async delete(clientId) {
      if ((await store.deleteClient(clientId)) === 'unknown') throw unknownClient(clientId)
      invalidate(clientId)
    },
  }
}

type Identity = Omit<StoredClient, keyof Registration['settings']>

function toWritten(registration: Registration, identity: Identity): WrittenClient {
  const { settings, clientSecret, warnings } = registration
  return { client: toClient({ ...identity, ...settings }), clientSecret, warnings }
}

function toClient(stored: StoredClient): Client {
  return { ...stored, isPublic: stored.metadata.token_endpoint_auth_method === 'none' }
}

function unknownClient(clientId: string): Refusal {
  return new Refusal(`There is no client with the client_id ${quote(clientId)}. List the clients.`)
}

function changedMeanwhile(clientId: string): Refusal {
  return new Refusal(`The client ${quote(clientId)} was changed at the same time. Try again.`)
}
