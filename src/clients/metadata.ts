/** Client metadata: members, rules and defaults (RFC 7591 §2, OpenID Connect Registration §2, RP-Initiated Logout §3.1). */
import type { JSONWebKeySet } from 'jose'
import { isDeepStrictEqual } from 'node:util'
import { hintFor } from '../protocol/did-you-mean.ts'
import { deviceCodeGrant } from '../protocol/grant-types.ts'
import { isPlainObject, type JsonObject } from '../protocol/json.ts'
import { originOf, type ApplicationType } from '../protocol/redirect-uri.ts'
import type { SigningAlg } from '../protocol/signing-algs.ts'
import type { AssertionIssuer } from './assertion-issuers.ts'
import type { Encryption } from './encryption.ts'
import type { ExchangePolicy } from './exchange-policy.ts'
import { findInconsistencies } from './metadata-consistency.ts'
import { rulesFor } from './metadata-rules.ts'
import { profileDefaults, type Profile } from './profiles.ts'
import { findMemberFaults, withoutNulls, type Fault } from './rules.ts'
import type { SubjectType } from './sector.ts'

/** What this provider signs tokens with. */
export interface ClientMetadata {
  /** Absent: default. */
  profile?: Profile
  client_name?: string
  client_uri?: string
  logo_uri?: string
  policy_uri?: string
  tos_uri?: string
  contacts?: string[]
  application_type: ApplicationType
  redirect_uris: string[]
  post_logout_redirect_uris: string[]
  grant_types: string[]
  response_types: string[]
  token_endpoint_auth_method: string
  token_endpoint_auth_signing_alg?: string
  jwks?: JSONWebKeySet
  /** Where they are fetched from, instead. */
  jwks_uri?: string
  /** Whose assertions about users the client may exchange for their access tokens (RFC 7523 §2.1). */
  assertion_issuers?: AssertionIssuer[]
  /** The most that the client may ask for. */
  scope: string
  id_token_signed_response_alg: SigningAlg
  /** The answers below are encrypted where there is an alg (OpenID Connect Registration §2, RFC 9701 §6). */
  id_token_encrypted_response_alg?: Encryption['alg']
  id_token_encrypted_response_enc?: Encryption['enc']
  /** Absent: userinfo is JSON, or encrypted alone. */
  userinfo_signed_response_alg?: SigningAlg
  userinfo_encrypted_response_alg?: Encryption['alg']
  userinfo_encrypted_response_enc?: Encryption['enc']
  introspection_signed_response_alg?: SigningAlg
  introspection_encrypted_response_alg?: Encryption['alg']
  introspection_encrypted_response_enc?: Encryption['enc']
  /** RFC 9126 §6. */
  require_pushed_authorization_requests?: boolean
  /** RFC 9101 §10.5. */
  require_signed_request_object?: boolean
  request_object_signing_alg?: string
  /** JARM §3. */
  authorization_signed_response_alg?: SigningAlg
  /** RFC 9449 §5.2. */
  dpop_bound_access_tokens?: boolean
  /** RFC 8705 §3.4. */
  tls_client_certificate_bound_access_tokens?: boolean
  /** RFC 8705 §2.1.2: of these one, for tls_client_auth. */
  tls_client_auth_subject_dn?: string
  tls_client_auth_san_dns?: string
  tls_client_auth_san_uri?: string
  tls_client_auth_san_ip?: string
  tls_client_auth_san_email?: string
  /** Absent: public. */
  subject_type?: SubjectType
  /** OpenID Connect Registration §5. */
  sector_identifier_uri?: string
  default_max_age?: number
  default_acr_values?: string[]
  /** Those that the client may ask for (RFC 9396 §10); absent: none. */
  authorization_details_types?: string[]
  require_auth_time: boolean
  initiate_login_uri?: string
  /** Where logout tokens go (OpenID Connect Back-Channel Logout 1.0 §2.2). */
  backchannel_logout_uri?: string
  /** Logout tokens carry a sid anyway. */
  backchannel_logout_session_required?: boolean
  software_id?: string
  software_version?: string
  /** First-party: the person is not asked for consent. */
  skip_consent: boolean
  /** Absent: the rule of OAuth 2.1 §7.5.1 (public clients always, others unless an OpenID nonce protects the code). */
  require_pkce?: boolean
  custom_claims?: JsonObject
  /** RFC 8693: only with its grant. */
  token_exchange?: ExchangePolicy
  /** Absent: a public web client's redirect URIs tell. */
  allowed_cors_origins?: string[]
}

/** What this provider can do, from its own lists of grants, methods and algorithms. */
export interface Supported {
  grantTypes: readonly string[]
  authMethods: readonly string[]
  algorithms: readonly string[]
  /** Whether servers may be called over plain http, not on loopback only. */
  insecureHttp?: boolean
  /** Whether the issuer itself is plain http, as it may be on loopback: then applications on loopback may be where a sign-in starts. */
  issuerIsHttp?: boolean
}

export interface CheckedMetadata {
  /** With every default filled in; undefined when there are faults. */
  metadata: ClientMetadata | undefined
  faults: Fault[]
}

/** Checks metadata as an administrator or a client gives it, and fills in the defaults; answers all faults at once. */
export function validateClientMetadata(input: unknown, supported: Supported): CheckedMetadata {
  if (!isPlainObject(input))
    return refused([{ member: '', message: 'Give the client as a JSON object.' }])
  const given = withoutNulls(input)
  const rules = rulesFor(given, supported)
  const memberFaults = findMemberFaults(given, rules, (member) =>
    hintFor(member, Object.keys(rules)),
  )
  const faulty = new Set(memberFaults.map(({ member }) => member))
  if (faulty.has('')) return refused(memberFaults)
  const sound = Object.fromEntries(Object.entries(given).filter(([member]) => !faulty.has(member)))
  const metadata = { ...defaultsFor(sound), ...sound } as ClientMetadata // each member passed its rule
  const faults = [...memberFaults, ...findInconsistencies(metadata, faulty)]
  return faults.length > 0 ? refused(faults) : { metadata, faults }
}

function refused(faults: Fault[]): CheckedMetadata {
  return { metadata: undefined, faults }
}

/** Metadata without the members that are as its profile and grant types make them, so that they follow a change of these. */
export function withoutDerived(metadata: ClientMetadata): JsonObject {
  const derived: JsonObject = defaultsFor(metadata)
  return Object.fromEntries(
    Object.entries(metadata).filter(([name, value]) => !isDeepStrictEqual(value, derived[name])),
  )
}

/** The browser origins that may read our answers (CORS). */
export function allowedOriginsOf(metadata: ClientMetadata): string[] {
  const isBrowserApp =
    metadata.token_endpoint_auth_method === 'none' && metadata.application_type === 'web'
  const derived = isBrowserApp ? metadata.redirect_uris.flatMap((uri) => originOf(uri) ?? []) : []
  return [...new Set(metadata.allowed_cors_origins ?? derived)]
}

function defaultsFor(given: Partial<ClientMetadata>) {
  const ofProfile = profileDefaults(given)
  const grantTypes = given.grant_types ?? ofProfile.grant_types ?? ['authorization_code']
  const usesCode = grantTypes.includes('authorization_code')
  const signsIn = usesCode || grantTypes.includes(deviceCodeGrant)
  const refreshes = grantTypes.includes('refresh_token')
  return {
    application_type: 'web',
    redirect_uris: [],
    post_logout_redirect_uris: [],
    grant_types: ['authorization_code'],
    response_types: usesCode ? ['code'] : [],
    token_endpoint_auth_method: 'client_secret_basic',
    scope: signsIn ? `openid profile email${refreshes ? ' offline_access' : ''}` : '',
    id_token_signed_response_alg: 'RS256', // OpenID Connect Registration §2
    require_auth_time: false,
    skip_consent: false,
    ...ofProfile,
  }
}
