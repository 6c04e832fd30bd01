/** Software statements (RFC 7591 §2.3): what somebody whom we trust says of a client, signed. */
import { createLocalJWKSet, decodeJwt, errors, jwtVerify, type JSONWebKeySet } from 'jose'
import { assertionAlgorithms } from '../clients/jwks.ts'
import type { Clock } from '../database/clock.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { JsonObject } from '../protocol/json.ts'

/** Who signs statements that count here, and with which keys. */
export interface StatementIssuer {
  issuer: string
  jwks: JSONWebKeySet
}

export interface SoftwareStatements {
  /** The claims of a statement that counts, or a refusal. */
  read(statement: string): Promise<JsonObject>
}

export function createSoftwareStatements({
  issuers = [],
  clock,
  skewSeconds,
}: {
  issuers: readonly StatementIssuer[] | undefined
  clock: Pick<Clock, 'now'>
  skewSeconds: number
}): SoftwareStatements {
  const keySets = new Map(issuers.map(({ issuer, jwks }) => [issuer, createLocalJWKSet(jwks)]))

  return {
    async read(statement) {
      const issuer = readIssuer(statement)
      const keys = keySets.get(issuer)
      if (!keys)
        throw new OAuthError(
          'unapproved_software_statement',
          'The software_statement is of nobody whose statements count here. Leave it out, or have an administrator add its issuer.',
          { detail: issuer },
        )
      try {
        const { payload } = await jwtVerify(statement, keys, {
          issuer,
          algorithms: [...assertionAlgorithms],
          currentDate: clock.now(),
          clockTolerance: skewSeconds,
        })
        return payload
      } catch (cause) {
        throw invalid(cause)
      }
    },
  }
}

/** RFC 7591 §2.3: what a statement says goes before what the request says. */
export async function readStated(input: JsonObject, statements: SoftwareStatements) {
  const { software_statement: given = null } = input
  if (given === null) return { members: input, softwareStatement: undefined, isScopeStated: false }
  const softwareStatement = typeof given === 'string' ? given : '' // which is no statement
  const claims = await statements.read(softwareStatement)
  const isScopeStated = Object.hasOwn(claims, 'scope')
  return { members: { ...input, ...claims }, softwareStatement, isScopeStated }
}

function readIssuer(statement: string): string {
  try {
    const { iss } = decodeJwt(statement)
    if (typeof iss === 'string') return iss
  } catch (cause) {
    throw invalid(cause)
  }
  throw invalid(new errors.JWTInvalid('It has no iss'))
}

function invalid(cause: unknown): OAuthError {
  return new OAuthError(
    'invalid_software_statement',
    'The software_statement is not a JWT that its iss has signed and that is not expired. Get a new one.',
    { detail: cause instanceof Error ? cause.message : String(cause) },
  )
}
