/** The settings of how long what is issued, and what waits, lives. */
import * as read from './parsers.ts'
import type { Setting } from './setting.ts'

const day = 86_400
const lifetime = read.wholeNumber(1, 10 * 365 * day)

export const lifetimeSettings = {
  accessTokenTtlSeconds: {
    variable: 'CLAVIGER_ACCESS_TOKEN_TTL_SECONDS',
    parse: read.wholeNumber(1, day),
    default: '600',
    sentence: 'How long an access token lives, unless its resource says otherwise.',
  },
  idTokenTtlSeconds: {
    variable: 'CLAVIGER_ID_TOKEN_TTL_SECONDS',
    parse: read.wholeNumber(1, day),
    default: '600',
    sentence: 'How long an ID token lives.',
  },
  codeTtlSeconds: {
    variable: 'CLAVIGER_AUTHORIZATION_CODE_TTL_SECONDS',
    parse: read.wholeNumber(1, 600), // RFC 6749 §4.1.2: ten minutes at most
    default: '60',
    sentence: 'How long an authorization code can be redeemed; 600 at most.',
  },
  deviceCodeTtlSeconds: {
    variable: 'CLAVIGER_DEVICE_CODE_TTL_SECONDS',
    parse: read.wholeNumber(1, 3600),
    default: '600',
    sentence: 'How long a person may take to enter the code that a device shows; 3600 at most.',
  },
  authorizationRequestTtlSeconds: {
    variable: 'CLAVIGER_AUTHORIZATION_REQUEST_TTL_SECONDS',
    parse: read.wholeNumber(1, day),
    default: '1800',
    sentence: 'How long a person may take to sign in and consent.',
  },
  pushedRequestTtlSeconds: {
    variable: 'CLAVIGER_PUSHED_REQUEST_TTL_SECONDS',
    parse: read.wholeNumber(5, 600), // RFC 9126 §2.2
    default: '60',
    sentence: 'How long a pushed authorization request waits for the browser; 5 to 600.',
  },
  refreshIdleTtlSeconds: {
    variable: 'CLAVIGER_REFRESH_TOKEN_IDLE_TTL_SECONDS',
    parse: lifetime,
    default: String(30 * day),
    sentence: 'How long a refresh token lives without being used.',
  },
  refreshTtlSeconds: {
    variable: 'CLAVIGER_REFRESH_TOKEN_TTL_SECONDS',
    parse: lifetime,
    default: String(180 * day),
    sentence: 'How long refresh tokens can go on from one sign-in, however often they are used.',
  },
  replayWindowSeconds: {
    variable: 'CLAVIGER_REFRESH_REPLAY_WINDOW_SECONDS',
    parse: read.wholeNumber(0, 300),
    default: '30',
    sentence:
      'How long a refresh token just rotated gets the same successor again (parallel tabs, lost responses).',
  },
  sessionTtlSeconds: {
    variable: 'CLAVIGER_SESSION_TTL_SECONDS',
    parse: read.wholeNumber(1, 365 * day),
    default: String(12 * 3600),
    sentence: 'How long a browser stays signed in.',
  },
} as const satisfies Record<string, Setting>
