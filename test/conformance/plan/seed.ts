/** What the conformance suite needs of a provider before it starts, as `claviger seed` reads it: a person, and clients. */
import { fapiClients, type AllCredentials } from './fapi-clients.ts'

export interface SuiteAddress {
  /** The suite's base URL. */
  suite: string
  /** The part of the suite's own URLs that its configuration names. */
  alias: string
}

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
  backchannelLogout: 'conformance-backchannel-logout',
} as const

export const allScopes = 'openid profile email address phone offline_access'

/** Where the suite is sent back to, and called. */
export function addressesOf({ suite, alias }: SuiteAddress) {
  const base = `${suite}/test/a/${alias}`
  return {
    callback: `${base}/callback`,
    postLogoutRedirect: `${base}/post_logout_redirect`,
    backchannelLogout: `${base}/backchannel_logout`,
  }
}

/** The FAPI 2.0 clients are those of whom there are credentials. */
export function seedFor(address: SuiteAddress, credentials: AllCredentials = new Map()) {
  return {
    users: [userWithAllStandardClaims],
    clients: [
      ...webClients(address),
      ...fapiClients(addressesOf(address).callback, credentials),
      protectedResource,
    ],
  }
}

/** That of examples/fapi-api.mjs, which follows the feed of revocations. */
const protectedResource = {
  client_id: 'accounts-api',
  client_secret: clientSecret,
  grant_types: ['client_credentials'],
  scope: 'revocations',
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
    },
    {
      ...client,
      client_id: clientIds.backchannelLogout, // a logout token is expected by the modules of its own plan alone
      client_name: 'Conformance suite, back-channel logout',
      post_logout_redirect_uris: [postLogoutRedirect],
      backchannel_logout_uri: backchannelLogout,
      backchannel_logout_session_required: true,
    },
  ]
}
