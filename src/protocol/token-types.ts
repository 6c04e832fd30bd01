/** The token type identifiers of RFC 8693 §3. */
const prefix = 'urn:ietf:params:oauth:token-type:'

export const tokenTypes = {
  accessToken: `${prefix}access_token`,
  refreshToken: `${prefix}refresh_token`,
  idToken: `${prefix}id_token`,
  jwt: `${prefix}jwt`,
} as const
