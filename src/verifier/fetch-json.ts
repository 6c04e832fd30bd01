/** GET of a JSON object, bounded in time and size, and without redirects: who leads elsewhere is not the issuer. */
import { readText } from './bounded-body.ts'
import { parseObject, type JsonObject } from './json.ts'
import type { Fetch } from './runtime.ts'

export interface FetchLimits {
  timeoutMilliseconds: number
  maxBytes: number
}

export interface FetchedJson {
  body: JsonObject
  /** For how long it may be kept (RFC 9111 §4.2.1), if the answer says so. */
  freshSeconds: number | undefined
}

const defaultLimits: FetchLimits = { timeoutMilliseconds: 5000, maxBytes: 512 * 1024 }

export async function fetchJson(
  url: string,
  { fetch, limits = defaultLimits }: { fetch: Fetch; limits?: FetchLimits | undefined },
): Promise<FetchedJson> {
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/json, application/jwk-set+json' },
      redirect: 'manual',
      signal: AbortSignal.timeout(limits.timeoutMilliseconds),
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new Error(`The answer is ${response.status}, not 200.`)
    }
    const body = parseObject(await readText(response, limits.maxBytes))
    if (!body) throw new Error('The answer is not a JSON object.')
    return { body, freshSeconds: freshSecondsOf(response.headers) }
  } catch (cause) {
    throw new Error(`${url} could not be read.`, { cause })
  }
}

function freshSecondsOf(headers: Headers): number | undefined {
  const directives = headers.get('cache-control') ?? ''
  if (/(?:^|[\s,])no-(?:store|cache)\b/i.test(directives)) return 0
  const maxAge = /(?:^|[\s,])max-age\s*=\s*"?(\d{1,9})/i.exec(directives)?.[1]
  if (maxAge === undefined) return undefined
  return Math.max(0, Number(maxAge) - (Number(headers.get('age')) || 0))
}
