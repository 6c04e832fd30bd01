/** Request parameters of queries and forms: each at most once (RFC 6749 §3.1, §3.2), except those named repeatable. */
import { OAuthError } from './errors.ts'

const repeatable = new Set(['resource', 'audience']) // RFC 8707 §2, RFC 8693 §2.1
const maxParameters = 100
/** Of what is kept while a person signs in, or goes back to a client in a URL. */
export const maxParameterLength = 4096

export class Params {
  readonly #values = new Map<string, string[]>()

  constructor(pairs: Iterable<readonly [string, string]> = []) {
    for (const [name, value] of pairs) {
      const values = this.#values.get(name)
      if (values) values.push(value)
      else this.#values.set(name, [value])
    }
  }

  /** The value, or undefined when absent or empty (RFC 6749 §3.1: without a value is as if omitted). */
  get(name: string): string | undefined {
    const values = this.#values.get(name)
    if (values === undefined) return undefined
    if (values.length > 1) throw duplicated(name)
    return values[0] === '' ? undefined : values[0]
  }

  /** The value; refuses the request when it is absent. */
  require(name: string): string {
    const value = this.get(name)
    if (value === undefined)
      throw new OAuthError('invalid_request', `The parameter '${name}' is missing. Send it once.`)
    return value
  }

  all(name: string): string[] {
    return (this.#values.get(name) ?? []).filter((value) => value !== '')
  }

  /** Refuses a request that repeats any parameter that may be sent only once. */
  refuseDuplicates(): this {
    for (const [name, values] of this.#values)
      if (values.length > 1 && !repeatable.has(name)) throw duplicated(name)
    return this
  }

  /** The same with one parameter set to one value. */
  with(name: string, value: string): Params {
    return new Params([...this.entries().filter(([other]) => other !== name), [name, value]])
  }

  /** All pairs, in the order received by name. */
  entries(): [string, string][] {
    return [...this.#values].flatMap(([name, values]) =>
      values.map((value): [string, string] => [name, value]),
    )
  }
}

/** Parses `application/x-www-form-urlencoded` text; refuses what is not well-formed UTF-8 or holds a NUL. */
export function parseParams(text: string): Params {
  if (text === '') return new Params()
  const parts = text.split('&')
  if (parts.length > maxParameters)
    throw new OAuthError('invalid_request', `Send at most ${maxParameters} parameters.`)
  return new Params(parts.filter((part) => part !== '').map(parsePair))
}

function parsePair(part: string): [string, string] {
  const at = part.indexOf('=')
  const [name, value] = at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)]
  return [decode(name), decode(value)]
}

function decode(text: string): string {
  let decoded: string
  try {
    decoded = decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new OAuthError(
      'invalid_request',
      'A parameter is not valid percent-encoded UTF-8. Encode it as application/x-www-form-urlencoded.',
    )
  }
  if (decoded.includes('\0') || decoded.includes('\ufffd'))
    throw new OAuthError(
      'invalid_request',
      'A parameter holds a NUL or a replacement character. Send plain UTF-8 text.',
    )
  return decoded
}

function duplicated(name: string): OAuthError {
  return new OAuthError('invalid_request', `The parameter '${name}' is repeated. Send it once.`)
}
