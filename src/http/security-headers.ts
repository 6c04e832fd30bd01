/** The response headers that guard pages and API answers. Pure: each function answers a plain header object. */
import { createHash } from 'node:crypto'

export type Headers = Readonly<Record<string, string>>

/** The one script we send: it posts an authorization response (OAuth 2.0 Form Post Response Mode §2). */
export const formPostScript = 'document.forms[0].submit()'
export const formPostScriptHash = `'sha256-${createHash('sha256').update(formPostScript).digest('base64')}'`

export interface SecurityHeaders {
  /** Pages whose forms end on this server: home, logged-out, errors. */
  page: Headers
  /** Pages on the way to a client, perhaps in its popup: login, consent, logout. */
  interactionPage: Headers
  /** The page that posts an authorization response to a client's redirect URI. */
  formPostPage: Headers
  /** JSON and other answers to machines; an endpoint that may be cached overrides Cache-Control. */
  api: Headers
}

const yearSeconds = 365 * 24 * 60 * 60

export function createSecurityHeaders({ isHttps }: { isHttps: boolean }): SecurityHeaders {
  const everywhere = {
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    ...(isHttps && { 'strict-transport-security': `max-age=${yearSeconds}` }),
  }
  const anyPage = {
    ...everywhere,
    'content-security-policy': policy({}),
    // no-referrer would make browsers send `Origin: null` with our own forms, which the CSRF check refuses.
    'referrer-policy': 'same-origin',
    'x-frame-options': 'DENY',
    'permissions-policy': permissionsPolicy,
  }
  return {
    page: {
      ...anyPage,
      'content-security-policy': policy({ 'form-action': "'self'" }),
      'cross-origin-opener-policy': 'same-origin',
    },
    // No form-action: Chrome applies it to every redirect that follows the post, and these end at a client's
    // URI. No opener policy: it would cut a client's popup off from the window that waits for it.
    interactionPage: anyPage,
    // No form-action here either: a client may answer the post by a redirect to any origin of its own. The client
    // learns our origin, as it would from a proper form: with same-origin its own check would see `Origin: null`.
    formPostPage: {
      ...anyPage,
      'content-security-policy': policy({ 'script-src': formPostScriptHash }),
      'referrer-policy': 'strict-origin',
    },
    api: {
      ...everywhere,
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
    },
  }
}

const permissionsPolicy = [
  'camera',
  'display-capture',
  'geolocation',
  'microphone',
  'payment',
  'usb',
]
  .map((feature) => `${feature}=()`)
  .join(', ')

function policy(more: Record<string, string>): string {
  const directives = {
    'default-src': "'none'",
    'style-src': "'self'",
    'img-src': "'self' https: data:", // a client's logo_uri may lie anywhere
    'base-uri': "'none'",
    'frame-ancestors': "'none'",
    ...more,
  }
  return Object.entries(directives)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ')
}
