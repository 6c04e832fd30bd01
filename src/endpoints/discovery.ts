/** Metadata (OpenID Connect Discovery §3, RFC 8414), derived from the lists of what this server can do. */
import type { FastifyInstance } from 'fastify'
import { createHash } from 'node:crypto'
import { prompts } from '../authorization/request.ts'
import { responseModes } from '../authorization/recipient.ts'
import { contentEncryptions, encryptionAlgs } from '../clients/encryption.ts'
import { assertionAlgorithms } from '../clients/jwks.ts'
import { subjectTypes } from '../clients/sector.ts'
import { sendCacheable } from '../http/cacheable.ts'
import { pageLanguage } from '../http/html.ts'
import { basePathOf } from '../http/pages.ts'
import { acrValues } from '../protocol/acr.ts'
import { dpopAlgorithms } from '../possession/possession.ts'
import { claimsByScope, standardScopes } from '../protocol/scopes.ts'
import { paths } from '../protocol/paths.ts'
import { codeChallengeMethods } from '../protocol/pkce.ts'
import { responseTypes } from '../protocol/response-types.ts'

export interface Capabilities {
  issuer: string
  grantTypes: readonly string[]
  authMethods: readonly string[]
  signingAlgs: readonly string[]
  requirePushedRequests: boolean
  /** Whether clients can show theirs (RFC 8705). */
  certificates: boolean
  /** Below which those do who have one. */
  mtlsIssuer: string | undefined
  /** Whether there is one, for whomever. */
  revocationFeed: boolean
  /** Whether a client_id may be the URL of its metadata. */
  clientIdMetadataDocuments: boolean
  /** RFC 9396 §10. */
  authorizationDetailsTypes: readonly string[]
  /** Whether people may create accounts themselves. */
  signUp: boolean
  /** Whether clients may register. */
  registration: boolean
}

/** What tokens/issuer.ts puts in an ID token, besides the claims that scopes ask for. */
const idTokenClaims = ['sub', 'iss', 'aud', 'exp', 'iat', 'auth_time', 'acr', 'amr', 'sid', 'nonce']

/** Those at which a certificate tells who a client is, or whose a token (RFC 8705 §5). */
const mtlsEndpoints = new Set([
  'token_endpoint',
  'pushed_authorization_request_endpoint',
  'device_authorization_endpoint',
  'userinfo_endpoint',
  'introspection_endpoint',
  'revocation_endpoint',
  'revocation_feed_endpoint',
  'global_token_revocation_endpoint',
])

function mtlsAliases(metadata: object, { issuer, mtlsIssuer }: Capabilities) {
  if (mtlsIssuer === undefined) return {}
  const aliased = Object.entries(metadata).filter(([name]) => mtlsEndpoints.has(name))
  const aliases = aliased.map(([name, url]) => [
    name,
    mtlsIssuer + String(url).slice(issuer.length),
  ])
  return { mtls_endpoint_aliases: Object.fromEntries(aliases) as Record<string, string> }
}

function metadataOf(capabilities: Capabilities) {
  const { issuer, grantTypes, authMethods, signingAlgs, revocationFeed, signUp } = capabilities
  const detailsTypes = capabilities.authorizationDetailsTypes
  const confidentialMethods = authMethods.filter((method) => method !== 'none')
  return {
    issuer,
    authorization_endpoint: issuer + paths.authorize,
    pushed_authorization_request_endpoint: issuer + paths.pushedAuthorization,
    token_endpoint: issuer + paths.token,
    device_authorization_endpoint: issuer + paths.deviceAuthorization, // RFC 8628 §4
    userinfo_endpoint: issuer + paths.userinfo,
    jwks_uri: issuer + paths.jwks,
    ...(capabilities.registration && { registration_endpoint: issuer + paths.register }),
    introspection_endpoint: issuer + paths.introspect,
    revocation_endpoint: issuer + paths.revoke,
    ...(revocationFeed && { revocation_feed_endpoint: issuer + paths.revocations }),
    end_session_endpoint: issuer + paths.logout,
    global_token_revocation_endpoint: issuer + paths.globalTokenRevocation,
    scopes_supported: standardScopes,
    claims_supported: [...idTokenClaims, ...[...claimsByScope.values()].flat()],
    acr_values_supported: acrValues,
    ...(detailsTypes.length > 0 && { authorization_details_types_supported: detailsTypes }),
    response_types_supported: responseTypes,
    response_modes_supported: responseModes,
    grant_types_supported: grantTypes,
    subject_types_supported: subjectTypes,
    id_token_signing_alg_values_supported: signingAlgs,
    id_token_encryption_alg_values_supported: encryptionAlgs,
    id_token_encryption_enc_values_supported: contentEncryptions,
    userinfo_signing_alg_values_supported: signingAlgs,
    userinfo_encryption_alg_values_supported: encryptionAlgs,
    userinfo_encryption_enc_values_supported: contentEncryptions,
    code_challenge_methods_supported: codeChallengeMethods,
    prompt_values_supported: prompts.filter((prompt) => prompt !== 'create' || signUp),
    display_values_supported: ['page'],
    ui_locales_supported: [pageLanguage],
    token_endpoint_auth_methods_supported: authMethods,
    token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    introspection_endpoint_auth_methods_supported: confidentialMethods,
    introspection_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    introspection_signing_alg_values_supported: signingAlgs,
    introspection_encryption_alg_values_supported: encryptionAlgs,
    introspection_encryption_enc_values_supported: contentEncryptions,
    revocation_endpoint_auth_methods_supported: authMethods,
    revocation_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    global_token_revocation_endpoint_auth_methods_supported: ['Bearer'],
    dpop_signing_alg_values_supported: dpopAlgorithms,
    ...(capabilities.certificates && { tls_client_certificate_bound_access_tokens: true }),
    authorization_response_iss_parameter_supported: true,
    authorization_signing_alg_values_supported: signingAlgs,
    require_pushed_authorization_requests: capabilities.requirePushedRequests,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    ...(capabilities.clientIdMetadataDocuments && {
      client_id_metadata_document_supported: true,
    }),
    claims_parameter_supported: true,
    request_parameter_supported: true,
    request_object_signing_alg_values_supported: assertionAlgorithms,
    request_uri_parameter_supported: false,
  }
}

export function registerDiscovery(
  app: FastifyInstance,
  { capabilities, maxAgeSeconds }: { capabilities: Capabilities; maxAgeSeconds: number },
): void {
  const metadata = metadataOf(capabilities)
  const body = JSON.stringify({ ...metadata, ...mtlsAliases(metadata, capabilities) })
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
  const document = { body, etag, contentType: 'application/json; charset=utf-8', maxAgeSeconds }
  const basePath = basePathOf(capabilities.issuer)
  // RFC 8414 §3.1 puts the issuer's path behind the well-known part, OpenID Connect Discovery §4 before it.
  for (const path of [
    basePath + paths.openidConfiguration,
    paths.oauthAuthorizationServer + basePath,
  ])
    app.get(path, (request, reply) => sendCacheable(request, reply, document))
}
