/** The clients of the FAPI 2.0 plans: each plan has two, of one name, the second with `-2` behind it. */
import { createPublicKey, X509Certificate } from 'node:crypto'
import type { JWK } from 'jose'

interface Pair {
  auth: 'private_key_jwt' | 'self_signed_tls_client_auth' | 'tls_client_auth'
  /** What its tokens are bound to: the suite's `sender_constrain`. */
  binding: 'dpop' | 'mtls'
  scope: string
  /** It signs its requests, as FAPI 2.0 Message Signing asks. */
  signs?: true
}

const openid = 'openid offline_access'
/** Of one that knows no OpenID Connect. */
const oauth = 'accounts offline_access'
/** Whoever asks for claims by their names may have them by their scopes, too. */
const claims = 'profile email address phone'

export const fapiPairs = {
  'conformance-fapi': { auth: 'private_key_jwt', binding: 'dpop', scope: openid },
  'conformance-fapi-oauth': { auth: 'private_key_jwt', binding: 'dpop', scope: oauth },
  'conformance-message-signing': {
    auth: 'private_key_jwt',
    binding: 'dpop',
    scope: openid,
    signs: true,
  },
  'conformance-fapi-key-mtls': { auth: 'private_key_jwt', binding: 'mtls', scope: openid },
  'conformance-fapi-mtls': { auth: 'self_signed_tls_client_auth', binding: 'mtls', scope: openid },
  'conformance-fapi-pki': { auth: 'tls_client_auth', binding: 'mtls', scope: openid },
  'conformance-fapi-oauth-mtls': {
    auth: 'self_signed_tls_client_auth',
    binding: 'mtls',
    scope: oauth,
  },
} as const satisfies Record<string, Pair>

export type PairName = keyof typeof fapiPairs
type ClientId = PairName | `${PairName}-2`

/** What a client shows: a key with its private part, a certificate with its own. */
export interface Credentials {
  /** The suite wants one of every client, also of those that a certificate stands for. */
  key: JWK
  certificate: { cert: string; key: string } | undefined
}

/** Of the clients that there are to be. */
export type AllCredentials = ReadonlyMap<string, Credentials>

export const idsOf = (pair: PairName): [ClientId, ClientId] => [pair, `${pair}-2`]

export const pairNamed = (pair: PairName): Pair => fapiPairs[pair]

export const pairNames = Object.keys(fapiPairs) as PairName[]

/** Where the certificates of tls_client_auth say that they belong. */
export const organization = 'Claviger conformance'

/** Those of whom there are credentials. */
export function fapiClients(callback: string, all: AllCredentials): object[] {
  return pairNames.flatMap((pair) =>
    idsOf(pair).flatMap((clientId) => {
      const credentials = all.get(clientId)
      return credentials ? [metadataOf(clientId, pairNamed(pair), credentials, callback)] : []
    }),
  )
}

function metadataOf(
  clientId: string,
  { auth, binding, scope, signs }: Pair,
  credentials: Credentials,
  callback: string,
) {
  return {
    client_id: clientId,
    client_name: `Conformance suite, ${clientId}`,
    profile: 'fapi2', // PAR, PKCE, ID tokens by ES256; private_key_jwt and DPoP, unless it says otherwise
    redirect_uris: [callback, `${callback}?dummy1=lorem&dummy2=ipsum`],
    grant_types: ['authorization_code', 'refresh_token'],
    scope: scope === openid ? `${scope} ${claims}` : scope,
    ...identityOf(clientId, auth, credentials),
    ...(binding === 'mtls' && { tls_client_certificate_bound_access_tokens: true }),
    ...(signs && {
      require_signed_request_object: true,
      request_object_signing_alg: 'PS256',
      authorization_signed_response_alg: 'ES256',
    }),
  }
}

function identityOf(clientId: string, auth: Pair['auth'], { key, certificate }: Credentials) {
  if (auth === 'private_key_jwt') return { jwks: { keys: [publicPart(key)] } }
  if (auth === 'tls_client_auth')
    return {
      token_endpoint_auth_method: auth,
      tls_client_auth_subject_dn: `CN=${clientId},O=${organization}`,
    }
  return {
    token_endpoint_auth_method: auth,
    jwks: { keys: certificate ? [certificateKey(certificate)] : [] },
  }
}

/** RFC 7518 §6: what an RSA or elliptic-curve key says of itself but its private part. */
function publicPart({ kty, kid, alg, use, n, e, crv, x, y }: JWK) {
  return { kty, kid, alg, use, ...(n && { n, e }), ...(crv && { crv, x, y }) }
}

/** RFC 8705 §2.2.2 */
function certificateKey({ cert }: { cert: string }) {
  const certificate = new X509Certificate(cert)
  const pem = certificate.publicKey.export({ type: 'spki', format: 'pem' })
  const x5c = [certificate.raw.toString('base64')]
  return { ...createPublicKey(pem).export({ format: 'jwk' }), x5c }
}
