/** The grant types whose names are URIs. */
export const deviceCodeGrant = 'urn:ietf:params:oauth:grant-type:device_code' // RFC 8628 §3.4
export const jwtBearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer' // RFC 7523 §2.1
