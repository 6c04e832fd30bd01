/** Rich authorization requests (RFC 9396): the shape of `authorization_details`, and what may be left of them in a token. */
import { isDeepStrictEqual } from 'node:util'
import { OAuthError } from './errors.ts'
import { isJson, isPlainObject, type JsonObject } from './json.ts'
import { maxParameterLength } from './params.ts'

const maxObjects = 10
const maxDepth = 16
const maxTypeLength = 200

/** §2.2. Members of other names are a matter of the type, and so of the API. */
const listsOfText = ['locations', 'actions', 'datatypes', 'privileges']

/** Refuses with invalid_authorization_details (§5); undefined when there is no such parameter. */
export function parseAuthorizationDetails(text: string | undefined): JsonObject[] | undefined {
  if (text === undefined) return undefined
  if (text.length > maxParameterLength)
    throw malformed(`is longer than ${maxParameterLength} characters`)
  let input: unknown
  try {
    input = JSON.parse(text)
  } catch {
    throw malformed('is not JSON')
  }
  if (!Array.isArray(input) || input.length === 0 || input.length > maxObjects)
    throw malformed(`is not a JSON array of 1 to ${maxObjects} objects`)
  if (!isJson(input, maxDepth))
    throw malformed(`is deeper than ${maxDepth} levels, or holds text that is not Unicode`)
  return input.map(requireSound)
}

/** §5: also refuses a type that is not among them. */
export function requireTypes(
  details: readonly JsonObject[] | undefined,
  types: readonly string[],
  whose: string,
): void {
  const beyond = details?.find(({ type }) => !types.includes(String(type)))
  if (beyond)
    throw new OAuthError(
      'invalid_authorization_details',
      `The type '${String(beyond['type'])}' of 'authorization_details' is not ${whose}.`,
    )
}

/** §6: whether each of them was granted just so. */
export function isPartOf(
  asked: readonly JsonObject[],
  granted: readonly JsonObject[] | undefined,
): boolean {
  return asked.every((one) => granted?.some((other) => isDeepStrictEqual(one, other)))
}

/** §9.1: what a token for these resources needs to know; what names no locations is for all of them. */
export function detailsFor(
  resources: readonly string[],
  details: readonly JsonObject[],
): JsonObject[] {
  return details.filter(({ locations }) => {
    if (resources.length === 0 || !Array.isArray(locations)) return true
    return locations.some((location) => resources.includes(String(location)))
  })
}

function requireSound(detail: unknown): JsonObject {
  if (!isPlainObject(detail)) throw malformed('holds something that is not an object')
  const { type, identifier } = detail
  if (typeof type !== 'string' || type === '' || type.length > maxTypeLength)
    throw malformed(`has an object without a 'type' of at most ${maxTypeLength} characters`)
  if (identifier !== undefined && typeof identifier !== 'string')
    throw malformed(`has an 'identifier' that is not a string`)
  for (const name of listsOfText)
    if (detail[name] !== undefined && !isListOfText(detail[name]))
      throw malformed(`has '${name}' that are not a list of strings`)
  return detail
}

function isListOfText(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function malformed(fault: string): OAuthError {
  return new OAuthError(
    'invalid_authorization_details',
    `The parameter 'authorization_details' ${fault} (RFC 9396 2). Correct it or leave it out.`,
  )
}
