/** Where an access token is for (RFC 8707): its audience, its lifetime, its algorithm and the scopes that mean something there. */
import { fapi2Algorithms } from '../clients/profiles.ts'
import type { Client } from '../clients/registry.ts'
import type { Resource } from '../clients/resources-store.ts'
import type { Resources } from '../clients/resources.ts'
import { detailsFor } from '../protocol/authorization-details.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { SigningAlg } from '../protocol/signing-algs.ts'

export interface Target {
  audience: string | string[]
  alg: SigningAlg
  ttlSeconds: number
  scope: string[]
  /** RFC 9396 §9.1; absent: none. */
  authorizationDetails?: JsonObject[]
}

export interface Targets {
  /** Refuses resources that are not registered, with invalid_target. */
  requireRegistered(resources: readonly string[]): Promise<void>
  resolve(request: {
    client: Client
    resources: readonly string[]
    scope: readonly string[]
    authorizationDetails?: readonly JsonObject[] | undefined
  }): Promise<Target>
}

/** Scopes that speak to the provider itself and so stay in every token. */
const protocolScopes = new Set(['openid', 'offline_access'])

const maxResources = 10

const ownAudience = {
  scopes: undefined,
  accessTokenTtlSeconds: undefined,
  accessTokenSignedResponseAlg: undefined,
}

export function createTargets({
  resources: registry,
  defaultAudience,
  accessTokenTtlSeconds,
}: {
  resources: Pick<Resources, 'find'>
  defaultAudience: string
  accessTokenTtlSeconds: number
}): Targets {
  /** The issuer's own audience may be asked for by name, so that one token can serve an API and userinfo. */
  async function find(
    resource: string,
  ): Promise<Pick<Resource, 'scopes' | 'accessTokenTtlSeconds' | 'accessTokenSignedResponseAlg'>> {
    const found = await registry.find(resource)
    if (found) return found
    if (resource === defaultAudience) return ownAudience
    throw new OAuthError(
      'invalid_target',
      `The resource '${resource}' is not registered here. Ask for a registered API, or leave 'resource' out.`,
    )
  }

  function findAll(resources: readonly string[]) {
    if (resources.length > maxResources)
      throw new OAuthError('invalid_target', `Ask for at most ${maxResources} resources at a time.`)
    return Promise.all(resources.map(find))
  }

  return {
    async requireRegistered(resources) {
      await findAll(resources)
    },

    async resolve({ client, resources: asked, scope, authorizationDetails = [] }) {
      const resources = [...new Set(asked)]
      const details = detailsFor(resources, authorizationDetails)
      const withDetails = details.length > 0 && { authorizationDetails: details }
      const clientAlg = client.metadata.id_token_signed_response_alg
      if (resources.length === 0)
        return {
          audience: defaultAudience,
          alg: clientAlg,
          ttlSeconds: accessTokenTtlSeconds,
          scope: [...scope],
          ...withDetails,
        }

      const found = await findAll(resources)
      const algs = new Set(
        found.map(({ accessTokenSignedResponseAlg }) => accessTokenSignedResponseAlg ?? clientAlg),
      )
      if (algs.size > 1)
        throw new OAuthError(
          'invalid_target',
          'These resources want differently signed access tokens. Ask for a token for each of them.',
        )
      const alg = [...algs][0] ?? clientAlg
      if (client.metadata.profile === 'fapi2' && !fapi2Algorithms.includes(alg))
        throw new OAuthError(
          'invalid_target',
          `This API wants access tokens that are signed with ${alg}, and the profile fapi2 has ${fapi2Algorithms.join(', ')} only. Change one of them.`,
        )
      const means = (name: string) =>
        protocolScopes.has(name) || found.some(({ scopes }) => !scopes || scopes.includes(name))
      return {
        audience: resources.length === 1 ? resources[0]! : resources,
        alg,
        ttlSeconds: Math.min(
          ...found.map((one) => one.accessTokenTtlSeconds ?? accessTokenTtlSeconds),
        ),
        scope: scope.filter(means),
        ...withDetails,
      }
    },
  }
}
