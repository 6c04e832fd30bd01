/** The public keys of clients (RFC 7591 §2 jwks, jwks_uri), to verify what they sign and to encrypt what is for them. */
import { createLocalJWKSet, errors, flattenedVerify, type JWK, type JWTVerifyGetKey } from 'jose'
import type { Client } from './registry.ts'
import type { KeySet, RemoteKeys } from './remote-keys.ts'

export interface ClientKeys {
  /** For jose's verifying functions. A JOSEError when the client's keys cannot be had. */
  verificationKeys(client: Client): JWTVerifyGetKey
  /** Refuses with a JOSEError when they cannot be had. */
  all(client: Client): Promise<readonly JWK[]>
}

export function createClientKeys({ remoteKeys }: { remoteKeys: RemoteKeys }): ClientKeys {
  // Parsed once, as long as the registry keeps the client in memory.
  const keySets = new WeakMap<Client, JWTVerifyGetKey>()

  /** A key that the client has changed shows by an unknown kid, or by a signature that is not of the key we know. */
  function fetchedKeys(uri: string): JWTVerifyGetKey {
    return async (header, token) => {
      const { keySet } = required(await remoteKeys.get(uri))
      try {
        const key = await keySet(header, token)
        await flattenedVerify(token, key)
        return key
      } catch {
        const renewed = required(await remoteKeys.renew(uri))
        return renewed.keySet(header, token)
      }
    }
  }

  function parse({ metadata }: Client): JWTVerifyGetKey {
    const { jwks, jwks_uri: uri } = metadata
    return uri === undefined ? createLocalJWKSet(jwks ?? { keys: [] }) : fetchedKeys(uri)
  }

  return {
    verificationKeys(client) {
      const known = keySets.get(client)
      if (known) return known
      const keySet = parse(client)
      keySets.set(client, keySet)
      return keySet
    },

    async all({ metadata }) {
      const { jwks, jwks_uri: uri } = metadata
      if (uri === undefined) return jwks?.keys ?? []
      return required(await remoteKeys.get(uri)).keys
    },
  }
}

function required(found: KeySet | { failure: string }): KeySet {
  if ('failure' in found) throw new errors.JWKSInvalid(`The jwks_uri gave ${found.failure}`)
  return found
}
