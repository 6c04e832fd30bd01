/** What the `claims` parameter and its kin ask for (OpenID Connect Core §5.5): claims, a person, a class of sign-in. */
import { allowedClaims } from '../clients/allowed-scope.ts'
import type { Client } from '../clients/registry.ts'
import {
  demandedValues,
  parseClaimsRequest,
  type ClaimsRequest,
} from '../protocol/claims-request.ts'
import type { Params } from '../protocol/params.ts'

export interface ClaimsDemands {
  /** Those that the client may ask for. */
  claims: ClaimsRequest | undefined
  /** §5.5.1: only these may be signed in. */
  subs: string[] | undefined
  /** The first that can be reached is told in the tokens; none has to be. */
  acrValues: string[]
  /** §5.5.1.1: one of these has to be reached. */
  essentialAcrValues: string[] | undefined
}

export function parseClaimsDemands(params: Params, client: Client): ClaimsDemands {
  const asked = parseClaimsRequest(params.get('claims'))
  const acr = asked?.id_token?.['acr']
  const acrClaimValues = demandedValues(acr)
  return {
    claims: allowedClaims(client, asked),
    subs: inBoth(
      demandedValues(asked?.id_token?.['sub']),
      demandedValues(asked?.userinfo?.['sub']),
    ),
    acrValues:
      acrClaimValues ??
      params.get('acr_values')?.split(' ') ??
      client.metadata.default_acr_values ??
      [],
    essentialAcrValues: acr?.essential === true ? acrClaimValues : undefined,
  }
}

function inBoth(one: string[] | undefined, other: string[] | undefined): string[] | undefined {
  return one && other ? one.filter((value) => other.includes(value)) : (one ?? other)
}
