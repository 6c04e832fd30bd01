/** The `claims` parameter (OpenID Connect Core §5.5): claims that are asked for one by one, and where they are to be told. */
import { OAuthError } from './errors.ts'
import { isJson, isPlainObject, type JsonObject } from './json.ts'

/** null: asked for without more words. */
export type ClaimDemand = null | { essential?: boolean; value?: unknown; values?: unknown[] }

export interface ClaimsRequest {
  userinfo?: Record<string, ClaimDemand>
  id_token?: Record<string, ClaimDemand>
}

const places = ['userinfo', 'id_token'] as const
const maxNames = 50
const maxDepth = 16

/** Members that mean nothing here are ignored, as §5.5 wants; a wrong shape is refused with invalid_request. */
export function parseClaimsRequest(text: string | undefined): ClaimsRequest | undefined {
  if (text === undefined) return undefined
  const input = parseObject(text)
  const request: ClaimsRequest = {}
  for (const place of places) {
    const demands = input[place]
    if (demands !== undefined && demands !== null) request[place] = parseDemands(place, demands)
  }
  return request
}

/** The names that are asked for there, or anywhere. */
export function namesIn(
  request: ClaimsRequest | undefined,
  ...where: readonly (typeof places)[number][]
): string[] {
  const chosen = where.length > 0 ? where : places
  return [...new Set(chosen.flatMap((place) => Object.keys(request?.[place] ?? {})))]
}

/** The request without the names that `mayAsk` does not let pass; undefined when nothing is left. */
export function narrowClaimsRequest(
  request: ClaimsRequest | undefined,
  mayAsk: (name: string) => boolean,
): ClaimsRequest | undefined {
  const narrowed: ClaimsRequest = {}
  for (const place of places) {
    const left = Object.entries(request?.[place] ?? {}).filter(([name]) => mayAsk(name))
    if (left.length > 0) narrowed[place] = Object.fromEntries(left)
  }
  return Object.keys(narrowed).length > 0 ? narrowed : undefined
}

/** The values that a demand for a string is content with; undefined when any will do. */
export function demandedValues(demand: ClaimDemand | undefined): string[] | undefined {
  const { value, values = value === undefined ? undefined : [value] } = demand ?? {}
  return values?.filter((one) => typeof one === 'string')
}

function parseObject(text: string): JsonObject {
  let input: unknown
  try {
    input = JSON.parse(text)
  } catch {
    throw malformed('is not JSON')
  }
  if (!isPlainObject(input)) throw malformed('is not a JSON object')
  if (!isJson(input, maxDepth))
    throw malformed(`is deeper than ${maxDepth} levels, or holds text that is not Unicode`)
  return input
}

function parseDemands(place: string, demands: unknown): Record<string, ClaimDemand> {
  if (!isPlainObject(demands)) throw malformed(`has a member '${place}' that is not an object`)
  const entries = Object.entries(demands)
  if (entries.length > maxNames)
    throw malformed(`asks for more than ${maxNames} claims in '${place}'`)
  return Object.fromEntries(
    entries.map(([name, demand]) => {
      if (demand !== null && !isDemand(demand))
        throw malformed(
          `has a wrong '${name.slice(0, 64)}' in '${place}': give null, or an object with 'essential' (true or false), 'value' or 'values' (a list)`,
        )
      return [name, demand]
    }),
  )
}

function isDemand(demand: unknown): demand is Exclude<ClaimDemand, null> {
  if (!isPlainObject(demand)) return false
  const { essential, values } = demand
  return (
    (essential === undefined || typeof essential === 'boolean') &&
    (values === undefined || Array.isArray(values))
  )
}

function malformed(fault: string): OAuthError {
  return new OAuthError(
    'invalid_request',
    `The parameter 'claims' ${fault} (OpenID Connect Core 5.5). Correct it or leave it out.`,
  )
}
