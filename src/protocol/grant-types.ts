/** The grant types whose names are URIs. */
export const deviceCodeGrant = 'urn:ietf:params:oauth:grant-type:device_code' // RFC 8628 §3.4
