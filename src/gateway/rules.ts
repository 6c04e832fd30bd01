/** What a request needs, by its path and method: the first rule that matches decides, and without one nothing passes. */

export interface AccessRule {
  /** As /orders, which is one path, or /orders/*, which is /orders and whatever lies below. */
  path: string
  /** All when absent; GET stands for HEAD too. */
  methods?: readonly string[]
  /** Passes without a token. */
  public?: true
  scopes?: readonly string[]
  /** Claims that the token must have: equal, or among the members of an array. */
  claims?: Readonly<Record<string, string | number | boolean>>
}

export type FindRule = (request: { method: string; path: string }) => AccessRule | undefined

export function createRules(rules: readonly AccessRule[]): FindRule {
  const prepared = rules.map((rule) => ({
    rule,
    methods: rule.methods && new Set(rule.methods),
    matches: matcherOf(rule.path),
  }))
  return ({ method, path }) => {
    const asked = method === 'HEAD' ? ['HEAD', 'GET'] : [method]
    const normal = normalizePath(path)
    return prepared.find(
      ({ methods, matches }) =>
        (!methods || asked.some((name) => methods.has(name))) && matches(normal),
    )?.rule
  }
}

/**
 * The path without what services read in different ways. Many do not tell upper from lower case, nor /orders/ from
 * /orders: taken as one, the stricter rule that is written first holds for each of them.
 */
function normalizePath(path: string): string {
  return path.toLowerCase().replace(/(?<=.)\/$/, '')
}

/** Undefined for a path that a service might read as another one than we do: such a request passes nowhere. */
export function decodePath(target: string): string | undefined {
  const path = target.split('?', 1)[0]!
  // Without a fragment, which some services cut off, or raw bytes that are not ASCII, which some take for UTF-8.
  if (/[^\x21-\x7e]|#/.test(path)) return undefined
  let decoded: string
  try {
    decoded = decodeURIComponent(path)
  } catch {
    return undefined
  }
  const encodedDelimiter = /%(?:2f|5c|25|3b|3f|23|00)/i.test(path)
  return isPlain(decoded) && !encodedDelimiter ? decoded : undefined
}

function isPlain(path: string): boolean {
  return (
    path.startsWith('/') &&
    !/[\\;\p{Cc}]|\/\//u.test(path) &&
    !path.split('/').some((segment) => segment === '.' || segment === '..')
  )
}

/** What is wrong with the `path` of a rule. */
export function findPathFault(pattern: string): string | undefined {
  const base = pattern.replace(/\/\*$/, '') || '/'
  return pattern === '' || /[*%?#]/.test(base) || !isPlain(base)
    ? 'Give a path as /orders, or with all that is below it as /orders/*; decoded, without query.'
    : undefined
}

function matcherOf(pattern: string): (path: string) => boolean {
  const below = pattern.endsWith('/*')
  const base = normalizePath(below ? pattern.slice(0, -2) || '/' : pattern)
  if (!below) return (path) => path === base
  const prefix = base === '/' ? '/' : `${base}/`
  return (path) => path === base || path.startsWith(prefix)
}
