/** The settings of dynamic client registration (RFC 7591). */
import { readFileSync } from 'node:fs'
import { publicKeySet } from '../clients/jwks.ts'
import { isPlainObject } from '../protocol/json.ts'
import { isScopeToken, issuerScopes, standardScopes } from '../protocol/scopes.ts'
import type { StatementIssuer } from '../registration/software-statement.ts'
import * as read from './parsers.ts'
import type { Parsed, Parser } from './parsers.ts'
import type { Setting } from './setting.ts'

const day = 86_400
const registrationModes = ['off', 'token', 'open'] as const

/** An issuer scope lets a service speak to the issuer itself: nobody gives that to themselves. */
const registrableScopes: Parser<readonly string[]> = (text) => {
  const scopes = text.split(' ')
  return scopes.every((scope) => isScopeToken(scope) && !issuerScopes.has(scope))
    ? { value: Object.freeze([...new Set(scopes)]) }
    : { fault: `scopes separated by single spaces, without ${[...issuerScopes].join(' and ')}` }
}

const statementIssuers: Parser<readonly StatementIssuer[]> = (file) => {
  let list: unknown
  try {
    list = JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return { fault: 'the path of a JSON file that can be read' }
  }
  return readStatementIssuers(list)
}

function readStatementIssuers(list: unknown): Parsed<readonly StatementIssuer[]> {
  const isList = Array.isArray(list) && list.every(isStatementIssuer)
  return isList
    ? { value: Object.freeze(list) }
    : { fault: 'a file with [{"issuer": "https://…", "jwks": {"keys": […public keys…]}}]' }
}

function isStatementIssuer(entry: unknown): entry is StatementIssuer {
  if (!isPlainObject(entry)) return false
  const { issuer, jwks } = entry
  return typeof issuer === 'string' && issuer !== '' && publicKeySet('jwks', jwks) === undefined
}

export const registrationSettings = {
  registration: {
    variable: 'CLAVIGER_REGISTRATION',
    parse: read.oneOf(registrationModes),
    default: 'off',
    sentence:
      'Who may register clients at `/register` (RFC 7591): nobody (`off`), whoever has an initial access token (`token`), or everybody (`open`).',
  },
  registrationScopes: {
    variable: 'CLAVIGER_REGISTRATION_SCOPES',
    parse: registrableScopes,
    default: standardScopes.join(' '),
    sentence:
      'The most that a client may ask for that registers itself or describes itself by a document.',
  },
  registrationRequiresPkce: {
    variable: 'CLAVIGER_REGISTRATION_REQUIRE_PKCE',
    parse: read.onOrOff,
    default: 'on',
    sentence:
      'Whether a confidential client that registered itself needs PKCE where it sends no nonce; `off` registers it with `require_pkce: false`, as certification with dynamic clients needs (docs/conformance.md).',
  },
  registrationUnusedTtlSeconds: {
    variable: 'CLAVIGER_REGISTRATION_UNUSED_TTL_SECONDS',
    parse: read.wholeNumber(60, 365 * day),
    default: String(7 * day),
    sentence: 'After how long a client that registered itself and never got a token is removed.',
  },
  statementIssuers: {
    variable: 'CLAVIGER_SOFTWARE_STATEMENT_ISSUERS_FILE',
    parse: statementIssuers,
    derived: 'none: software statements are refused',
    sentence:
      'A JSON file of who signs software statements that count: `[{"issuer": …, "jwks": …}]`.',
  },
} as const satisfies Record<string, Setting>
