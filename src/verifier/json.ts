/** JSON objects from outside. */

export type JsonObject = Record<string, unknown>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Undefined when it is no JSON object in UTF-8. */
export function parseObject(data: string | Uint8Array): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(typeof data === 'string' ? data : decoder.decode(data))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
