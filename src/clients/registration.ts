/** From what an administrator gives to a client that can be stored, and what is shown of one (RFC 7591 §2, §3.2.1). */
import { isPlainObject, type JsonObject } from '../protocol/json.ts'
import { Refusal } from '../protocol/refusal.ts'
import { createSecret, hashSecret } from '../protocol/secrets.ts'
import { allowedOriginsOf, validateClientMetadata, withoutDerived } from './metadata.ts'
import type { ClientMetadata, Supported } from './metadata.ts'
import { isClientId, isClientSecret, warnOfSecret } from './secrets.ts'
import { sectorOf } from './sector.ts'
import type { StoredClient } from './store.ts'

export interface Registration {
  /** The client_id that was asked for. */
  clientId: string | undefined
  settings: Pick<StoredClient, 'metadata' | 'allowedOrigins' | 'secretHash'>
  /** The secret in clear when it is new, to be shown once. */
  clientSecret: string | undefined
  /** Sentences for the administrator. */
  warnings: string[]
}

interface Identity {
  clientId: string | undefined
  clientSecret: string | undefined
  faults: string[]
}

/** The server adds these when it shows a client; they may come back and are ignored. */
const addedMembers = ['client_id_issued_at', 'client_secret_expires_at', 'registered_by']
const identityMembers = new Set(['client_id', 'client_secret', ...addedMembers])

/**
 * Settles a new client; or `current`, of which the given members are replaced and those given as null removed.
 * Refuses with all faults at once.
 */
export function settleClient(
  input: unknown,
  supported: Supported,
  current?: StoredClient,
): Registration {
  if (!isPlainObject(input)) throw new Refusal('Give the client as a JSON object.')
  const { clientId, clientSecret, faults } = readIdentity(input, current)
  const given = Object.entries(input).filter(([member]) => !identityMembers.has(member))
  const checked = validateClientMetadata(
    { ...(current && withoutDerived(current.metadata)), ...Object.fromEntries(given) },
    supported,
  )
  const messages = [...faults, ...checked.faults.map(({ message }) => message)]
  if (!checked.metadata || messages.length > 0) throw new Refusal(messages.join(' '))
  const { metadata } = checked
  const { secretHash, ...secret } = settleSecret(metadata, clientSecret, current)
  const allowedOrigins = allowedOriginsOf(metadata)
  const warnings = [...secret.warnings, ...warnOfSubjects(metadata, current)]
  return { clientId, settings: { metadata, allowedOrigins, secretHash }, ...secret, warnings }
}

function warnOfSubjects(metadata: ClientMetadata, current: StoredClient | undefined): string[] {
  if (!current || sectorOf(current.metadata) === sectorOf(metadata)) return []
  return ['From now on people sign in to this client with another sub: it takes them for new ones.']
}

/** A client as RFC 7591 §3.2.1 shows it; with its secret only when that is new. */
export function toClientInformation(
  client: Pick<StoredClient, 'clientId' | 'createdAt'> & { metadata: object },
  clientSecret?: string,
): JsonObject {
  return {
    client_id: client.clientId,
    ...(clientSecret !== undefined && {
      client_secret: clientSecret,
      client_secret_expires_at: 0, // never
    }),
    client_id_issued_at: Math.floor(client.createdAt.getTime() / 1000),
    ...client.metadata,
  }
}

function readIdentity(input: JsonObject, current: StoredClient | undefined): Identity {
  const { client_id: clientId = null, client_secret: clientSecret = null } = input
  const faults: string[] = []
  if (current && clientId !== null && clientId !== current.clientId)
    faults.push('client_id: It cannot be changed. Create another client.')
  else if (clientId !== null && !isClientId(clientId))
    faults.push(
      'client_id: Use 1 to 128 printable ASCII characters, without space, colon, percent, plus, double quote or backslash.',
    )
  if (clientSecret !== null && !isClientSecret(clientSecret))
    faults.push('client_secret: Use 1 to 512 printable ASCII characters.')
  return {
    clientId: isClientId(clientId) ? clientId : undefined,
    clientSecret: isClientSecret(clientSecret) ? clientSecret : undefined,
    faults,
  }
}

/** Makes one when the method asks for it and there is none. */
export function settleSecret(
  metadata: ClientMetadata,
  given: string | undefined,
  current: StoredClient | undefined,
): { secretHash: Buffer | undefined; clientSecret: string | undefined; warnings: string[] } {
  const method = metadata.token_endpoint_auth_method
  const usesSecret = method.startsWith('client_secret_')
  if (!usesSecret && given !== undefined)
    throw new Refusal(
      `client_secret: The token_endpoint_auth_method ${method} has none. Leave it out.`,
    )
  if (!usesSecret) return { secretHash: undefined, clientSecret: undefined, warnings: [] }
  if (given === undefined && current?.secretHash)
    return { secretHash: current.secretHash, clientSecret: undefined, warnings: [] }
  const clientSecret = given ?? createSecret()
  return {
    secretHash: hashSecret(clientSecret),
    clientSecret,
    warnings: warnOfSecret(clientSecret),
  }
}
