/** Clients that register themselves (RFC 7591) and look after their registration (RFC 7592). */
import { isDeepStrictEqual } from 'node:util'
import type { AuditStore } from '../audit/store.ts'
import { allowedOriginsOf } from '../clients/metadata.ts'
import { settleSecret } from '../clients/registration.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import { createClientId, isClientId } from '../clients/secrets.ts'
import type { FindSectorFault } from '../clients/sector.ts'
import type { ClientStore, StoredClient } from '../clients/store.ts'
import type { Clock } from '../database/clock.ts'
import type { Database } from '../database/database.ts'
import { addSeconds } from '../protocol/instants.ts'
import type { JsonObject } from '../protocol/json.ts'
import { createSecret, hashesMatch, hashSecret } from '../protocol/secrets.ts'
import type { ClientActs } from '../revocation/client-acts.ts'
import type { InitialAccessTokenStore } from './initial-access-tokens-store.ts'
import { settleMetadata, type RegistrationPolicy } from './metadata.ts'
import { refuseMetadata } from './refusal.ts'
import { requireSameSubjects, requireSector, requireUnchanged } from './sector.ts'
import { readStated, type SoftwareStatements } from './software-statement.ts'
import type { RegistrationStore } from './store.ts'

export interface Registered {
  client: StoredClient
  /** In clear when it is new. */
  clientSecret: string | undefined
  softwareStatement: string | undefined
}

export interface SelfRegistered {
  client: StoredClient
  softwareStatement: string | undefined
  isVouchedFor: boolean
}

export interface Registrations {
  /** Faults of the metadata are refused; `token-refused` when the initial access token is of no use, or not any more. */
  register(
    input: JsonObject,
    initialAccessToken: string | undefined,
  ): Promise<(Registered & { accessToken: string }) | 'token-refused'>
  /** By the registration access token. */
  find(clientId: string, accessToken: string): Promise<SelfRegistered | undefined>
  /** The given members are all that it has then; undefined when the client has gone meanwhile. */
  replace(registered: SelfRegistered, input: JsonObject): Promise<Registered | undefined>
  delete(registered: SelfRegistered): Promise<void>
}

export function createRegistrations({
  database,
  store,
  initialAccessTokens,
  clientStore,
  clients,
  clientActs,
  findSectorFault,
  statements,
  audit,
  clock,
  policy,
  unusedTtlSeconds,
}: {
  database: Pick<Database, 'transaction'>
  store: Omit<RegistrationStore, 'keepClient'>
  initialAccessTokens: Pick<InitialAccessTokenStore, 'findUsable' | 'useToken'>
  clientStore: Pick<ClientStore, 'findClient' | 'insertClient' | 'changeClient'>
  clients: Pick<ClientRegistry, 'invalidate'>
  clientActs: Pick<ClientActs, 'delete'>
  findSectorFault: FindSectorFault
  statements: SoftwareStatements
  audit: Pick<AuditStore, 'record'>
  clock: Pick<Clock, 'now'>
  policy: RegistrationPolicy
  /** How long a client stays that never gets a token. */
  unusedTtlSeconds: number
}): Registrations {
  return {
    async register(input, initialAccessToken) {
      const tokenHash = initialAccessToken && hashSecret(initialAccessToken)
      // A registration that is refused costs no use, so that it is counted only when the client is written.
      if (tokenHash && !(await initialAccessTokens.findUsable(tokenHash, clock.now())))
        return 'token-refused'
      const { members, softwareStatement, isScopeStated } = await readStated(input, statements)
      const options = { isVouchedFor: Boolean(tokenHash), isScopeStated }
      const metadata = settleMetadata(members, policy, options)
      await requireSector(findSectorFault, metadata)
      const { secretHash, clientSecret } = settleSecret(metadata, undefined, undefined)
      const at = clock.now()
      const clientId = createClientId()
      const client = {
        clientId,
        secretHash,
        metadata,
        allowedOrigins: allowedOriginsOf(metadata),
        createdAt: at,
        updatedAt: at,
        revokedAt: undefined,
      }
      const accessToken = createSecret()
      const isWritten = await database.transaction(async (transaction) => {
        const tokenId =
          tokenHash && (await initialAccessTokens.useToken(tokenHash, at, transaction))
        if (tokenHash && !tokenId) return false
        await clientStore.insertClient(client, transaction)
        const accessTokenHash = hashSecret(accessToken)
        await store.insertRegistration(
          clientId,
          { accessTokenHash, tokenId: tokenId || undefined, softwareStatement },
          { registeredAt: at, expiresAt: addSeconds(at, unusedTtlSeconds) },
          transaction,
        )
        const actor = tokenId ? `registration-token:${tokenId}` : `client:${clientId}`
        const action = 'clients.register'
        await audit.record(
          { at, action, subject: clientId, actor, reason: null, details: {} },
          transaction,
        )
        return true
      })
      if (!isWritten) return 'token-refused'
      clients.invalidate(clientId)
      return { client, clientSecret, softwareStatement, accessToken }
    },

    async find(clientId, accessToken) {
      const registration = isClientId(clientId) && (await store.findRegistration(clientId))
      const hash = hashSecret(accessToken)
      if (!registration || !hashesMatch(hash, registration.accessTokenHash)) return undefined
      const { softwareStatement, tokenId } = registration
      const client = await clientStore.findClient(clientId)
      return client && { client, softwareStatement, isVouchedFor: tokenId !== undefined }
    },

    async replace({ client: known, isVouchedFor }, input) {
      const { clientId } = known
      const { members, softwareStatement, isScopeStated } = await readStated(input, statements)
      const settle = (current: StoredClient) => {
        requireIdentity(input, current)
        const options = { isVouchedFor, isScopeStated, current: current.metadata }
        const metadata = settleMetadata(members, policy, options)
        requireSameSubjects(metadata, current.metadata)
        return metadata
      }
      const settled = settle(known)
      await requireSector(findSectorFault, settled, known.metadata)
      const at = clock.now()
      const changed = await clientStore.changeClient(
        clientId,
        (current) => {
          const metadata = settle(current)
          requireUnchanged(metadata, settled)
          const { secretHash, clientSecret } = settleSecret(metadata, undefined, current)
          const allowedOrigins = allowedOriginsOf(metadata)
          const client = { ...current, metadata, secretHash, allowedOrigins, updatedAt: at }
          return { client, clientSecret, changes: changedMembers(current, client) }
        },
        async ({ changes }, transaction) => {
          await store.setSoftwareStatement(clientId, softwareStatement, transaction)
          const actor = `client:${clientId}`
          const action = 'clients.update'
          const details = { changed: changes }
          await audit.record(
            { at, action, subject: clientId, actor, reason: null, details },
            transaction,
          )
        },
      )
      if (!changed) return undefined
      clients.invalidate(clientId)
      return { client: changed.client, clientSecret: changed.clientSecret, softwareStatement }
    },

    async delete({ client: { clientId } }) {
      const reason = 'deleted by the client itself'
      await clientActs.delete(clientId, { actor: `client:${clientId}`, reason })
    },
  }
}

/** RFC 7592 §2.2: the client_id must be there and its own, the secret may be. */
function requireIdentity(input: JsonObject, { clientId, secretHash }: StoredClient): void {
  const { client_id: givenId, client_secret: secret = null } = input
  if (givenId !== clientId)
    throw refuseMetadata('client_id: It must be there, and cannot be changed. Give your own.')
  if (secret === null) return
  const isOwn =
    typeof secret === 'string' && secretHash && hashesMatch(hashSecret(secret), secretHash)
  if (!isOwn) throw refuseMetadata('client_secret: It is not yours. Leave it out: it stays.')
}

function changedMembers({ metadata: before }: StoredClient, { metadata: after }: StoredClient) {
  const members = Object.keys({ ...before, ...after }) as (keyof typeof before)[]
  return members.filter((name) => !isDeepStrictEqual(before[name], after[name])).toSorted()
}
