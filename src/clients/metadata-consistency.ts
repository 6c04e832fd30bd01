/** What the members of client metadata must agree on with each other. */
import { deviceCodeGrant, jwtBearerGrant, tokenExchangeGrant } from '../protocol/grant-types.ts'
import { certificateNameRules, countCertificateNames } from './certificate-names.ts'
import { findEncryptionKey } from './encryption.ts'
import { assertionAlgorithms, canVerify } from './jwks.ts'
import type { ClientMetadata } from './metadata.ts'
import { fapi2Algorithms, profileDemands } from './profiles.ts'
import type { Fault } from './rules.ts'
import { hasSector } from './sector.ts'

interface Agreement {
  /** The first is the one to mend; none is judged when any of them is already known to be faulty. */
  members: (keyof ClientMetadata)[]
  isBroken: (metadata: ClientMetadata) => boolean
  message: string
}

const encryptedAnswers = (['id_token', 'userinfo', 'introspection'] as const).flatMap(
  (answer): Agreement[] => {
    const alg = `${answer}_encrypted_response_alg` as const
    const enc = `${answer}_encrypted_response_enc` as const
    return [
      {
        members: [alg, enc],
        isBroken: (m) => m[enc] !== undefined && m[alg] === undefined,
        message: `It goes with ${enc} (OpenID Connect Registration §2). Give both, or neither.`,
      },
      {
        members: [alg, 'jwks', 'jwks_uri'],
        isBroken: (m) =>
          m[alg] !== undefined &&
          m.jwks_uri === undefined &&
          !findEncryptionKey(m.jwks?.keys ?? [], m[alg] ?? ''),
        message:
          "None of the client's keys fits. Give jwks with a key of use enc for it, or a jwks_uri.",
      },
    ]
  },
)

const agreements: Agreement[] = [
  ...encryptedAnswers,
  ...profileDemands.map(({ profile, member, isMet, message }): Agreement => ({
    members: [member],
    isBroken: (m) => m.profile === profile && !isMet(m),
    message,
  })),
  {
    members: ['redirect_uris', 'grant_types'],
    isBroken: (m) => m.grant_types.includes('authorization_code') && m.redirect_uris.length === 0,
    message: 'The authorization_code grant needs at least one redirect URI.',
  },
  {
    members: ['response_types', 'grant_types'],
    isBroken: (m) =>
      m.grant_types.includes('authorization_code') !== m.response_types.includes('code'),
    message:
      'The response type code and the grant authorization_code go together (RFC 7591 §2.1). Leave it out to get what fits.',
  },
  {
    members: ['grant_types'],
    isBroken: (m) => m.grant_types.length === 0,
    message: 'Give at least one grant type.',
  },
  {
    members: ['grant_types'],
    isBroken: (m) =>
      m.grant_types.includes('refresh_token') &&
      !m.grant_types.includes('authorization_code') &&
      !m.grant_types.includes(deviceCodeGrant),
    message: `The refresh_token grant continues an authorization_code grant or a ${deviceCodeGrant} grant. Add one of them.`,
  },
  {
    members: ['grant_types', 'token_endpoint_auth_method'],
    isBroken: (m) => m.grant_types.includes('client_credentials') && isPublic(m),
    message:
      'The client_credentials grant is only for clients that authenticate (RFC 6749 §4.4). Choose another token_endpoint_auth_method than none.',
  },
  {
    members: ['token_exchange', 'grant_types'],
    isBroken: (m) =>
      m.grant_types.includes(tokenExchangeGrant) !== (m.token_exchange !== undefined),
    message: `It goes with the grant ${tokenExchangeGrant}, and says what may be exchanged. Give both, or neither.`,
  },
  {
    members: ['grant_types', 'token_endpoint_auth_method'],
    isBroken: (m) => m.grant_types.includes(tokenExchangeGrant) && isPublic(m),
    message: `The grant ${tokenExchangeGrant} is only for clients that authenticate. Choose another token_endpoint_auth_method than none.`,
  },
  {
    members: ['grant_types', 'token_endpoint_auth_method'],
    isBroken: (m) => m.grant_types.includes(jwtBearerGrant) && isPublic(m),
    message: `The ${jwtBearerGrant} grant is only for clients that authenticate. Choose another token_endpoint_auth_method than none.`,
  },
  {
    members: ['assertion_issuers', 'grant_types'],
    isBroken: (m) => m.grant_types.includes(jwtBearerGrant) !== (m.assertion_issuers !== undefined),
    message: `Whose assertions count, and the grant type ${jwtBearerGrant}, go together. Give both or neither.`,
  },
  {
    members: ['require_pkce', 'token_endpoint_auth_method'],
    isBroken: (m) => m.require_pkce === false && isPublic(m),
    message: 'Public clients always need PKCE (RFC 9700 §2.1.1). Leave it out.',
  },
  {
    members: ['jwks', 'jwks_uri', 'token_endpoint_auth_method'],
    isBroken: (m) => signsAssertions(m) && m.jwks === undefined && m.jwks_uri === undefined,
    message: "The method private_key_jwt needs the client's public keys. Give them, or a jwks_uri.",
  },
  {
    members: ['jwks_uri', 'jwks'],
    isBroken: (m) => m.jwks_uri !== undefined && m.jwks !== undefined,
    message: 'Give jwks or jwks_uri, not both (RFC 7591 §2).',
  },
  {
    members: ['jwks', 'token_endpoint_auth_method', 'token_endpoint_auth_signing_alg'],
    isBroken: (m) =>
      signsAssertions(m) &&
      m.jwks !== undefined &&
      !assertionAlgorithmsOf(m).some((algorithm) => canVerify(m.jwks?.keys ?? [], algorithm)),
    message: `None of the keys fits token_endpoint_auth_signing_alg. Give a signature key for it, or for one of ${assertionAlgorithms.join(', ')}.`,
  },
  {
    members: ['token_endpoint_auth_signing_alg', 'token_endpoint_auth_method'],
    isBroken: (m) => m.token_endpoint_auth_signing_alg !== undefined && !signsAssertions(m),
    message: 'It is only for token_endpoint_auth_method private_key_jwt. Leave it out.',
  },
  {
    members: ['jwks', 'jwks_uri', 'require_signed_request_object', 'request_object_signing_alg'],
    isBroken: (m) =>
      m.require_signed_request_object === true &&
      m.jwks_uri === undefined &&
      !requestObjectAlgorithmsOf(m).some((algorithm) => canVerify(m.jwks?.keys ?? [], algorithm)),
    message:
      "With require_signed_request_object it must have a signature key for request_object_signing_alg, or for one of the profile's algorithms.",
  },
  {
    members: ['token_endpoint_auth_method'],
    isBroken: (m) =>
      m.token_endpoint_auth_method === 'tls_client_auth'
        ? countCertificateNames(m) !== 1
        : countCertificateNames(m) > 0,
    message: `The method tls_client_auth, and no other, needs exactly one of ${Object.keys(certificateNameRules).join(', ')} (RFC 8705 §2.1.2).`,
  },
  {
    members: ['jwks', 'jwks_uri', 'token_endpoint_auth_method'],
    isBroken: (m) =>
      m.token_endpoint_auth_method === 'self_signed_tls_client_auth' &&
      m.jwks === undefined &&
      m.jwks_uri === undefined,
    message:
      'The method self_signed_tls_client_auth needs the keys of the certificates or a jwks_uri, with the certificates as their x5c or without.',
  },
  {
    members: ['sector_identifier_uri', 'subject_type', 'redirect_uris'],
    isBroken: (m) => m.subject_type === 'pairwise' && !hasSector(m),
    message: 'Pairwise subjects need it, unless all redirect URIs have https and the same host.',
  },
  {
    members: ['backchannel_logout_uri', 'backchannel_logout_session_required'],
    isBroken: (m) =>
      m.backchannel_logout_session_required === true && m.backchannel_logout_uri === undefined,
    message: 'Say where logout tokens go, or leave out backchannel_logout_session_required.',
  },
]

/** Sentences about members that contradict each other. */
export function findInconsistencies(
  metadata: ClientMetadata,
  faulty: ReadonlySet<string>,
): Fault[] {
  return agreements
    .filter(({ members, isBroken }) => !members.some((m) => faulty.has(m)) && isBroken(metadata))
    .map(({ members: [member], message }) => ({
      member: member!,
      message: `${member}: ${message}`,
    }))
}

/** The algorithms that the client's assertions may be signed with (OpenID Connect Registration §2). */
export function assertionAlgorithmsOf(metadata: ClientMetadata): readonly string[] {
  const pinned = metadata.token_endpoint_auth_signing_alg
  if (pinned !== undefined) return [pinned]
  return metadata.profile === 'fapi2' ? fapi2Algorithms : assertionAlgorithms
}

/** The algorithms that the client's request objects may be signed with (OpenID Connect Registration §2). */
export function requestObjectAlgorithmsOf(metadata: ClientMetadata): readonly string[] {
  const pinned = metadata.request_object_signing_alg
  if (pinned !== undefined) return [pinned]
  return metadata.profile === 'fapi2' ? fapi2Algorithms : assertionAlgorithms
}

function isPublic(metadata: ClientMetadata): boolean {
  return metadata.token_endpoint_auth_method === 'none'
}

function signsAssertions(metadata: ClientMetadata): boolean {
  return metadata.token_endpoint_auth_method === 'private_key_jwt'
}
