/** The rule for each member of client metadata by itself. */
import { validateClientClaims } from '../protocol/claims.ts'
import type { JsonObject } from '../protocol/json.ts'
import {
  validateBackchannelUri,
  validateHttpsUri,
  validateRedirectUri,
} from '../protocol/redirect-uri.ts'
import { responseTypes } from '../protocol/response-types.ts'
import { assertionIssuers } from './assertion-issuers.ts'
import { certificateNameRules } from './certificate-names.ts'
import { contentEncryptions, encryptionAlgs } from './encryption.ts'
import { exchangePolicy } from './exchange-policy.ts'
import { assertionAlgorithms, publicKeySet } from './jwks.ts'
import type { ClientMetadata, Supported } from './metadata.ts'
import { profiles } from './profiles.ts'
import { flag, listOf, oneOf, origin, scopeText } from './rules.ts'
import { shortText, textRule, webUri, wholeNumber, type Rule } from './rules.ts'
import { subjectTypes } from './sector.ts'

export function rulesFor(
  given: JsonObject,
  supported: Supported,
): Record<keyof ClientMetadata, Rule> {
  const applicationType = given.application_type === 'native' ? 'native' : 'web'
  return {
    profile: oneOf(profiles),
    client_name: shortText(200),
    client_uri: webUri,
    logo_uri: webUri,
    policy_uri: webUri,
    tos_uri: webUri,
    contacts: listOf(shortText(320), 20),
    application_type: oneOf(['web', 'native']),
    redirect_uris: listOf(textRule((uri) => validateRedirectUri(uri, applicationType))),
    post_logout_redirect_uris: listOf(textRule((uri) => validateRedirectUri(uri, applicationType))),
    grant_types: listOf(oneOf(supported.grantTypes)),
    response_types: listOf(oneOf(responseTypes)),
    token_endpoint_auth_method: authMethod(supported),
    token_endpoint_auth_signing_alg: oneOf(assertionAlgorithms),
    jwks: publicKeySet,
    jwks_uri: textRule((uri) => validateBackchannelUri(uri, supported)),
    assertion_issuers: assertionIssuers,
    scope: scopeText,
    id_token_signed_response_alg: oneOf(supported.algorithms),
    id_token_encrypted_response_alg: oneOf(encryptionAlgs),
    id_token_encrypted_response_enc: oneOf(contentEncryptions),
    userinfo_signed_response_alg: oneOf(supported.algorithms),
    userinfo_encrypted_response_alg: oneOf(encryptionAlgs),
    userinfo_encrypted_response_enc: oneOf(contentEncryptions),
    introspection_signed_response_alg: oneOf(supported.algorithms),
    introspection_encrypted_response_alg: oneOf(encryptionAlgs),
    introspection_encrypted_response_enc: oneOf(contentEncryptions),
    require_pushed_authorization_requests: flag,
    require_signed_request_object: flag,
    request_object_signing_alg: oneOf(assertionAlgorithms),
    authorization_signed_response_alg: oneOf(supported.algorithms),
    dpop_bound_access_tokens: flag,
    tls_client_certificate_bound_access_tokens: certificateFlag(supported),
    ...certificateNameRules,
    subject_type: oneOf(subjectTypes),
    sector_identifier_uri: textRule(validateHttpsUri),
    default_max_age: wholeNumber(0, 2 ** 31 - 1),
    default_acr_values: listOf(shortText(200), 20),
    authorization_details_types: listOf(shortText(200)),
    require_auth_time: flag,
    initiate_login_uri: supported.issuerIsHttp ? webUri : textRule(validateHttpsUri),
    backchannel_logout_uri: textRule((uri) => validateBackchannelUri(uri, supported)),
    backchannel_logout_session_required: flag,
    software_id: shortText(200),
    software_version: shortText(200),
    skip_consent: flag,
    require_pkce: flag,
    custom_claims: (name, value) => {
      const { faults } = validateClientClaims(value)
      return faults.length > 0 ? `${name}: ${faults.join(' ')}` : undefined
    },
    token_exchange: exchangePolicy,
    allowed_cors_origins: listOf(origin),
  }
}

const selfSignedMethod = 'self_signed_tls_client_auth'

/** What lets clients show certificates (RFC 8705), and be known by them. */
const certificateSettings: Readonly<Record<string, string>> = {
  tls_client_auth: 'CLAVIGER_TLS_CLIENT_CA_FILE',
  [selfSignedMethod]: 'CLAVIGER_MTLS_PORT or CLAVIGER_CLIENT_CERT_HEADER',
}

/** One that only a setting is missing for is told which. */
function authMethod({ authMethods }: Supported): Rule {
  const known = oneOf(authMethods)
  return (name, value) => {
    const fault = known(name, value)
    const settings = typeof value === 'string' ? certificateSettings[value] : undefined
    return fault && settings ? `${fault} It needs ${settings}.` : fault
  }
}

/** Without certificates the client would never get a token. */
function certificateFlag({ authMethods }: Supported): Rule {
  const areShown = authMethods.includes(selfSignedMethod)
  return (name, value) =>
    value === true && !areShown
      ? `${name}: Clients can show no certificates here. It needs ${certificateSettings[selfSignedMethod]}.`
      : flag(name, value)
}
