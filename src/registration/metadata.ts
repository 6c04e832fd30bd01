/** What a client may say of itself when it registers without an administrator (RFC 7591 §2, OpenID Connect Registration §2). */
import type { ClientMetadata, Supported } from '../clients/metadata.ts'
import { validateClientMetadata } from '../clients/metadata.ts'
import { withoutNulls, type Fault } from '../clients/rules.ts'
import type { OAuthError } from '../protocol/errors.ts'
import type { JsonObject } from '../protocol/json.ts'
import { refuseMetadata } from './refusal.ts'
import { requireProvenSector } from './sector.ts'

/** Whoever adds a member decides here: true only if it can give the client no more than a person then consents to. */
const isRegistrable: Readonly<Record<keyof ClientMetadata, boolean>> = {
  profile: false, // what an administrator demands of it; it can register each of these demands by itself
  client_name: true,
  client_uri: true,
  logo_uri: true,
  policy_uri: true,
  tos_uri: true,
  contacts: true,
  application_type: true,
  redirect_uris: true,
  post_logout_redirect_uris: true,
  grant_types: true, // of those in selfServiceGrants
  response_types: true,
  token_endpoint_auth_method: true,
  token_endpoint_auth_signing_alg: true,
  jwks: true,
  jwks_uri: true,
  assertion_issuers: false, // whom to believe who a user is
  scope: true, // of those that the settings name
  id_token_signed_response_alg: true,
  id_token_encrypted_response_alg: true,
  id_token_encrypted_response_enc: true,
  userinfo_signed_response_alg: true,
  userinfo_encrypted_response_alg: true,
  userinfo_encrypted_response_enc: true,
  introspection_signed_response_alg: true,
  introspection_encrypted_response_alg: true,
  introspection_encrypted_response_enc: true,
  require_pushed_authorization_requests: true,
  require_signed_request_object: true,
  request_object_signing_alg: true,
  authorization_signed_response_alg: true,
  dpop_bound_access_tokens: true,
  tls_client_certificate_bound_access_tokens: true,
  tls_client_auth_subject_dn: true,
  tls_client_auth_san_dns: true,
  tls_client_auth_san_uri: true,
  tls_client_auth_san_ip: true,
  tls_client_auth_san_email: true,
  subject_type: true, // but not changed
  sector_identifier_uri: true, // but not changed
  default_max_age: true,
  default_acr_values: true,
  authorization_details_types: false, // client_credentials would give them without a person
  require_auth_time: true,
  initiate_login_uri: true,
  backchannel_logout_uri: true,
  backchannel_logout_session_required: true,
  software_id: true,
  software_version: true,
  skip_consent: false, // consent is what protects people from clients that nobody knows
  require_pkce: false, // could only be looser than the rule: the settings say so, for all
  custom_claims: false, // claims of access tokens that APIs trust
  token_exchange: false, // tokens that were given to others
  allowed_cors_origins: false, // follow from the redirect URIs
}

/** Those in which a person decides; client_credentials is for who was given an initial access token. */
const selfServiceGrants = [
  'authorization_code',
  'refresh_token',
  'urn:ietf:params:oauth:grant-type:device_code',
]

const isSelfService = (grantType: string) => selfServiceGrants.includes(grantType)

export interface RegistrationPolicy {
  supported: Supported
  /** The most that a client may ask for. */
  scopes: readonly string[]
  /** Whether a confidential client needs PKCE where it sends no nonce (OAuth 2.1 §7.5.1). */
  requiresPkce: boolean
}

/**
 * The client's metadata with its defaults. What it may not set is as if it were not there (RFC 7591 §2); of `current` that
 * stays as an administrator left it. Refuses with all faults at once.
 */
export function settleMetadata(
  input: JsonObject,
  { supported, scopes, requiresPkce }: RegistrationPolicy,
  {
    isVouchedFor,
    isScopeStated = false,
    current,
  }: {
    isVouchedFor: boolean
    /** Whether a software statement says which scope the client may have. */
    isScopeStated?: boolean
    current?: ClientMetadata | undefined
  },
): ClientMetadata {
  const given = onlyRegistrable(withoutNulls(input))
  const grantTypes = new Set([
    ...selfServiceGrants,
    ...(isVouchedFor ? ['client_credentials'] : []),
    ...(current?.grant_types ?? []),
  ])
  const checked = validateClientMetadata(
    { ...(current && staysAsItIs(current, given)), ...given },
    { ...supported, grantTypes: supported.grantTypes.filter((name) => grantTypes.has(name)) },
  )
  if (!checked.metadata) throw refusalOf(checked.faults)
  const metadata = requiresPkce ? checked.metadata : withoutPkce(checked.metadata)
  requireProvenSector(metadata, current)
  if (!given['scope']) return { ...metadata, scope: defaultScope(metadata, scopes) }
  // RFC 7591 §2 lets the server give less than was asked for; the answer tells.
  const allowed = new Set([...scopes, ...(current?.scope.split(' ') ?? [])])
  const names = metadata.scope.split(' ').filter((name) => allowed.has(name))
  if (names.length === 0)
    throw refuseMetadata(
      `scope: None of these can be registered here. Ask for ${scopes.join(' ')}, or leave it out.`,
    )
  // Clients register with what they ask for first, and ask for more later (MCP Authorization, Step-Up): a person decides.
  const mayAskForMore = !isScopeStated && metadata.grant_types.every(isSelfService)
  const more = mayAskForMore ? defaultScope(metadata, scopes).split(' ') : []
  return { ...metadata, scope: [...new Set([...names, ...more])].join(' ') }
}

/** OpenID Connect has no such member: its clients expect to get whatever scope they ask for. */
function defaultScope(
  { grant_types: grantTypes, scope }: ClientMetadata,
  scopes: readonly string[],
): string {
  if (!grantTypes.some(isSelfService)) return scope
  const refreshes = grantTypes.includes('refresh_token')
  return scopes.filter((name) => name !== 'offline_access' || refreshes).join(' ')
}

export function onlyRegistrable(metadata: object): JsonObject {
  return pick(metadata, (member) => isRegistrable[member])
}

/** What is for administrators; but a client that becomes public needs PKCE again (RFC 9700 §2.1.1). */
function staysAsItIs(current: ClientMetadata, given: JsonObject): JsonObject {
  const stays = pick(current, (member) => !isRegistrable[member])
  const { require_pkce: requirePkce, ...others } = stays
  const becomesPublic = given['token_endpoint_auth_method'] === 'none'
  return becomesPublic && requirePkce === false ? others : stays
}

/** What an administrator or a profile demands goes before. */
function withoutPkce(metadata: ClientMetadata): ClientMetadata {
  const isPublic = metadata.token_endpoint_auth_method === 'none'
  return isPublic ? metadata : { require_pkce: false, ...metadata }
}

function pick(metadata: object, isWanted: (member: keyof ClientMetadata) => boolean): JsonObject {
  return Object.fromEntries(
    Object.entries(metadata).filter(
      ([member]) =>
        Object.hasOwn(isRegistrable, member) && isWanted(member as keyof ClientMetadata),
    ),
  )
}

/** RFC 7591 §3.2.2. */
function refusalOf(faults: readonly Fault[]): OAuthError {
  const isOfRedirectUris = faults.some(({ member }) => member === 'redirect_uris')
  return refuseMetadata(faults.map(({ message }) => message).join(' '), {
    code: isOfRedirectUris ? 'invalid_redirect_uri' : 'invalid_client_metadata',
  })
}
