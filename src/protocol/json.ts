/** JSON values (RFC 8259), as far as Postgres can store them. */
export type JsonObject = Record<string, unknown>

export function isPlainObject(value: unknown): value is JsonObject {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** What JSON can say and jsonb can store: no NUL, no half of a surrogate pair. */
export function isJson(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return !/[\0\p{Cs}]/u.test(value)
  if (typeof value === 'number') return Number.isFinite(value)
  if (value === null || typeof value === 'boolean') return true
  if (depth === 0) return false
  if (Array.isArray(value)) return value.every((item) => isJson(item, depth - 1))
  return (
    isPlainObject(value) &&
    Object.entries(value).every(([name, item]) => isJson(name, 0) && isJson(item, depth - 1))
  )
}
