/** What the conformance suite needs of a provider before it starts, as `claviger seed` reads it: a person, and clients. */
import type { JWK } from 'jose'

export interface SuiteAddress {
  /** The suite's base URL. */
  suite: string
  /** The part of the suite's own URLs that its configuration names. */
  alias: string
}

/** The keys of the FAPI 2.0 clients, which authenticate by private_key_jwt and sign their requests. */
export type ClientKeys = Readonly<Record<FapiClientId, JWK>>

export const person = {
  email: 'suite@example.com',
  password: 'a passphrase for the suite alone',
}

/** Known to everybody who reads this: for a provider that is there to be tested. */
export const clientSecret = 'a-client-secret-that-is-for-the-conformance-suite-alone'

export const clientIds = {
  basic: 'conformance-basic',
  basic2: 'conformance-basic-2',
  secretPost: 'conformance-secret-post',
  logout: 'conformance-logout',
} as const

export const fapiClientIds = [
  'conformance-fapi',
  'conformance-fapi-2',
  'conformance-fapi-oauth',
  'conformance-fapi-oauth-2',
  'conformance-message-signing',
  'conformance-message-signing-2',
] as const
type FapiClientId = (typeof fapiClientIds)[number]

export const allScopes = 'openid profile email address phone offline_access'
export const fapiScope = 'openid offline_access'
/** Of a client that knows no OpenID Connect. */
export const oauthScope = 'accounts offline_access'

/** Where the suite is sent back to, and called. */
export function addressesOf({ suite, alias }: SuiteAddress) {
  const base = `${suite}/test/a/${alias}`
  return {
    callback: `${base}/callback`,
    postLogoutRedirect: `${base}/post_logout_redirect`,
    backchannelLogout: `${base}/backchannel_logout`,
  }
}

/** Without keys, what needs none. */
export function seedFor(address: SuiteAddress, keys?: ClientKeys) {
  return {
    users: [userWithAllStandardClaims],
    clients: [...webClients(address), ...(keys ? fapiClients(address, keys) : [])],
  }
}

/** OpenID Connect Core §5.1: a scope counts as supported when userinfo has every claim of it. */
const userWithAllStandardClaims = {
  ...person,
  email_verified: true,
  claims: {
    name: 'Jane Suite Doe',
    given_name: 'Jane',
    family_name: 'Doe',
    middle_name: 'Suite',
    nickname: 'Janie',
    preferred_username: 'suite',
    profile: 'https://example.com/jane',
    picture: 'https://example.com/jane.png',
    website: 'https://jane.example.com/',
    gender: 'female',
    birthdate: '1987-10-16',
    zoneinfo: 'Europe/Prague',
    locale: 'en-GB',
    phone_number: '+49 30 901820',
    phone_number_verified: true,
    address: {
      formatted: '1 Example Street\n10115 Berlin\nGermany',
      street_address: '1 Example Street',
      locality: 'Berlin',
      region: 'Berlin',
      postal_code: '10115',
      country: 'Germany',
    },
  },
}

function webClients(address: SuiteAddress) {
  const { callback, postLogoutRedirect, backchannelLogout } = addressesOf(address)
  const client = {
    client_secret: clientSecret,
    redirect_uris: [callback],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'client_secret_basic',
    scope: allScopes,
    require_pkce: false, // the Basic OP plan knows no PKCE, and one module sends no nonce either
  }
  return [
    { ...client, client_id: clientIds.basic, client_name: 'Conformance suite' },
    { ...client, client_id: clientIds.basic2, client_name: 'Conformance suite, second client' },
    {
      ...client,
      client_id: clientIds.secretPost,
      client_name: 'Conformance suite, client_secret_post',
      token_endpoint_auth_method: 'client_secret_post',
    },
    {
      ...client,
      client_id: clientIds.logout,
      client_name: 'Conformance suite, logout',
      post_logout_redirect_uris: [postLogoutRedirect],
      backchannel_logout_uri: backchannelLogout,
      backchannel_logout_session_required: true,
    },
  ]
}

function fapiClients(address: SuiteAddress, keys: ClientKeys) {
  const { callback } = addressesOf(address)
  const client = {
    profile: 'fapi2', // private_key_jwt, PAR, PKCE, DPoP, ID tokens by ES256
    redirect_uris: [callback, `${callback}?dummy1=lorem&dummy2=ipsum`],
    grant_types: ['authorization_code', 'refresh_token'],
  }
  const signsMessages = {
    require_signed_request_object: true,
    request_object_signing_alg: 'PS256',
    authorization_signed_response_alg: 'ES256',
  }
  return fapiClientIds.map((clientId) => {
    const own = {
      client_id: clientId,
      client_name: `Conformance suite, ${clientId}`,
      jwks: { keys: [publicPart(keys[clientId])] },
      scope: clientId.includes('oauth') ? oauthScope : fapiScope,
    }
    return Object.assign(own, client, clientId.includes('message-signing') && signsMessages)
  })
}

/** RFC 7518 §6: what an RSA or elliptic-curve key says of itself but its private part. */
function publicPart({ kty, kid, alg, use, n, e, crv, x, y }: JWK) {
  return { kty, kid, alg, use, ...(n && { n, e }), ...(crv && { crv, x, y }) }
}
