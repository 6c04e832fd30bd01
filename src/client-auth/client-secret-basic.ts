/** client_secret_basic: client_id and secret, each form-encoded, in the Authorization header (RFC 6749 §2.3.1, RFC 7617). */
import { claimBySecret } from './client-secret.ts'
import { refuseClient, type ClientAuthMethod, type ClientAuthRequest } from './method.ts'

const name = 'client_secret_basic'
const maxHeaderLength = 4096
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const clientSecretBasic: ClientAuthMethod = {
  name,
  read(request) {
    if (request.authorization === undefined) return undefined
    const [clientId, clientSecret] = parseCredentials(request, request.authorization)
    const inBody = request.params.get('client_id')
    if (inBody !== undefined && inBody !== clientId)
      throw refuseClient(
        request,
        'The client_id in the body is not the one in the Authorization header. Send it once, or the same.',
      )
    return claimBySecret(request, name, clientId, clientSecret)
  },
}

function parseCredentials(request: ClientAuthRequest, authorization: string): [string, string] {
  if (authorization.length > maxHeaderLength)
    throw refuseClient(
      request,
      `Keep the Authorization header within ${maxHeaderLength} characters.`,
    )
  const encoded = /^basic +(?<encoded>[^ ]*)$/i.exec(authorization)?.groups?.encoded
  if (encoded === undefined)
    throw refuseClient(
      request,
      'The Authorization header is not of the Basic scheme. Send: Basic base64(client_id:client_secret).',
    )
  try {
    const text = utf8.decode(decodeBase64(encoded))
    const colon = text.indexOf(':')
    if (colon < 1) throw new TypeError('There is no client_id before a colon')
    return [decodeForm(text.slice(0, colon)), decodeForm(text.slice(colon + 1))]
  } catch (cause) {
    throw refuseClient(
      request,
      'The Basic credentials are malformed. Form-encode client_id and client_secret, join them with a colon, and encode that as base64 with padding.',
      { cause },
    )
  }
}

/** Node passes over what is not base64; here only the one encoding of some bytes will do. */
function decodeBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw new TypeError('It is not base64')
  return bytes
}

function decodeForm(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}
