/**
 * What a client's `profile` switches on, so that nobody has to know each setting: its defaults, and what it does not let be
 * undone. `fapi2` is the FAPI 2.0 Security Profile, `mcp` the authorization of the Model Context Protocol.
 */
import { isNative } from '../protocol/redirect-uri.ts'
import type { ClientMetadata } from './metadata.ts'

export const profiles = ['default', 'fapi2', 'mcp'] as const
export type Profile = (typeof profiles)[number]

/** FAPI 2.0 Security Profile §5.4.1. */
export const fapi2Algorithms: readonly string[] = ['PS256', 'ES256', 'EdDSA']

const fapi2AuthMethods = ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth']

/** Members that are not given; `given` are those that are. */
export function profileDefaults(given: Partial<ClientMetadata>): Partial<ClientMetadata> {
  switch (given.profile) {
    case 'fapi2':
      return {
        token_endpoint_auth_method: 'private_key_jwt',
        id_token_signed_response_alg: 'ES256',
        introspection_signed_response_alg: 'ES256',
        require_pushed_authorization_requests: true,
        require_pkce: true,
        ...(given.tls_client_certificate_bound_access_tokens !== true && {
          dpop_bound_access_tokens: true,
        }),
      }
    case 'mcp':
      return {
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        require_pkce: true,
        ...(given.redirect_uris?.some(isNative) && { application_type: 'native' }),
      }
    default:
      return {}
  }
}

interface Demand {
  profile: Profile
  member: keyof ClientMetadata
  isMet: (metadata: ClientMetadata) => boolean
  message: string
}

const isFapi2Algorithm = (algorithm: string | undefined) =>
  algorithm === undefined || fapi2Algorithms.includes(algorithm)

const signedAlike = (
  [
    'token_endpoint_auth_signing_alg',
    'id_token_signed_response_alg',
    'userinfo_signed_response_alg',
    'introspection_signed_response_alg',
    'request_object_signing_alg',
    'authorization_signed_response_alg',
  ] as const
).map((member): Demand => ({
  profile: 'fapi2',
  member,
  isMet: (m) => isFapi2Algorithm(m[member]),
  message: `The profile fapi2 signs with ${fapi2Algorithms.join(', ')} only (FAPI 2.0 §5.4.1).`,
}))

export const profileDemands: readonly Demand[] = [
  ...signedAlike,
  {
    profile: 'fapi2',
    member: 'token_endpoint_auth_method',
    isMet: (m) => fapi2AuthMethods.includes(m.token_endpoint_auth_method),
    message: `The profile fapi2 needs one of ${fapi2AuthMethods.join(', ')} (FAPI 2.0 §5.3.2.1).`,
  },
  {
    profile: 'fapi2',
    member: 'require_pushed_authorization_requests',
    isMet: (m) => m.require_pushed_authorization_requests === true,
    message: 'The profile fapi2 pushes every request (FAPI 2.0 §5.3.2.2). Leave it out.',
  },
  {
    profile: 'fapi2',
    member: 'require_pkce',
    isMet: (m) => m.require_pkce === true,
    message: 'The profile fapi2 always needs PKCE (FAPI 2.0 §5.3.2.2). Leave it out.',
  },
  {
    profile: 'fapi2',
    member: 'dpop_bound_access_tokens',
    isMet: (m) =>
      m.dpop_bound_access_tokens === true || m.tls_client_certificate_bound_access_tokens === true,
    message:
      'The profile fapi2 binds access tokens to a key (FAPI 2.0 §5.3.2.1): leave it out, or set tls_client_certificate_bound_access_tokens.',
  },
  {
    profile: 'fapi2',
    member: 'redirect_uris',
    isMet: (m) =>
      m.redirect_uris.every((uri) => uri.startsWith('https:')) || m.application_type === 'native',
    message: 'The profile fapi2 redirects to https only (FAPI 2.0 §5.3.2.2).',
  },
  {
    profile: 'mcp',
    member: 'require_pkce',
    isMet: (m) => m.require_pkce === true,
    message: 'The profile mcp always needs PKCE. Leave it out.',
  },
]
