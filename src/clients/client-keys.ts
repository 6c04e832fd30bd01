/** The public keys of clients (RFC 7591 §2 jwks), to verify what they sign and to encrypt what is for them. */
import { createLocalJWKSet, type JWK, type JWTVerifyGetKey } from 'jose'
import type { Client } from './registry.ts'

export interface ClientKeys {
  /** For jose's verifying functions. */
  verificationKeys(client: Client): JWTVerifyGetKey
  all(client: Client): Promise<readonly JWK[]>
}

export function createClientKeys(): ClientKeys {
  // Parsed once, as long as the registry keeps the client in memory.
  const keySets = new WeakMap<Client, JWTVerifyGetKey>()

  return {
    verificationKeys(client) {
      const known = keySets.get(client)
      if (known) return known
      const keySet = createLocalJWKSet(client.metadata.jwks ?? { keys: [] })
      keySets.set(client, keySet)
      return keySet
    },
    all: async (client) => client.metadata.jwks?.keys ?? [],
  }
}
