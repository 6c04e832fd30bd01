/** Clients as the registry answers them, from their metadata alone. */
import { authMethodNames } from '../../src/client-auth/index.ts'
import { validateClientMetadata } from '../../src/clients/metadata.ts'
import type { Client } from '../../src/clients/registry.ts'
import { grantTypeNames } from '../../src/grants/index.ts'
import { signingAlgs } from '../../src/protocol/signing-algs.ts'

const createdAt = new Date('2026-01-01T00:00:00Z')

export function toClient(input: object = {}, clientId = 'app'): Client {
  const { metadata, faults } = validateClientMetadata(
    { redirect_uris: ['https://app.example/cb'], ...input },
    { grantTypes: grantTypeNames, authMethods: authMethodNames, algorithms: signingAlgs },
  )
  if (!metadata) throw new Error(faults.map(({ message }) => message).join(' '))
  return {
    clientId,
    metadata,
    secretHash: undefined,
    allowedOrigins: [],
    createdAt,
    updatedAt: createdAt,
    revokedAt: undefined,
    isPublic: metadata.token_endpoint_auth_method === 'none',
  }
}

export function registryOf(...clients: Client[]) {
  return {
    find: async (clientId: string) => clients.find((client) => client.clientId === clientId),
  }
}
