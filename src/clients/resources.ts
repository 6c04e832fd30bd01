/** The APIs that tokens can be asked for (RFC 8707): rules, memory, and what an administrator does to them. */
import type { Clock } from '../database/clock.ts'
import { isPlainObject, type JsonObject } from '../protocol/json.ts'
import { Refusal } from '../protocol/refusal.ts'
import { createCache } from './cache.ts'
import { hintFor } from '../protocol/did-you-mean.ts'
import type { Resource, ResourceStore } from './resources-store.ts'
import { findMemberFaults, listOf, oneOf, quote, scopeToken } from './rules.ts'
import { shortText, textRule, wholeNumber, withoutNulls } from './rules.ts'
import type { SigningAlg } from '../protocol/signing-algs.ts'

export interface Resources {
  find(resource: string): Promise<Resource | undefined>
  /** Forgets one resource, or all; to be called on every NOTIFY on `resourcesChannel`. */
  invalidate(resource?: string): void
  list(): Promise<Resource[]>
  /** The longest access_token_ttl_seconds of all; 0 when none has one. */
  longestTtlSeconds(): Promise<number>
  /** Takes {resource, name, scopes?, access_token_ttl_seconds?, access_token_signed_response_alg?}. */
  create(input: unknown): Promise<Resource>
  /** Given members replace, null removes, all others stay. */
  update(resource: string, input: unknown): Promise<Resource>
  delete(resource: string): Promise<void>
}

export interface ResourcesDependencies {
  store: ResourceStore
  clock: Clock
  /** How many resources a node keeps in memory. */
  cacheSize: number
  algorithms: readonly string[]
}

/** A resource as an administrator writes it. */
interface ResourceDescription {
  resource: string
  name: string
  scopes?: string[]
  access_token_ttl_seconds?: number
  access_token_signed_response_alg?: SigningAlg
}

const maxUriLength = 2048
const maxTtlSeconds = 86_400

export function createResources(dependencies: ResourcesDependencies): Resources {
  const { store, clock, cacheSize, algorithms } = dependencies
  const rules = rulesFor(algorithms)
  const hint = (member: string) => hintFor(member, Object.keys(rules))
  const cache = createCache({
    load: (resource) => store.findResource(resource),
    clock,
    cacheSize,
  })

  function check(input: JsonObject): ResourceDescription {
    const given = withoutNulls(input)
    const missing = ['resource', 'name'].filter((member) => given[member] === undefined)
    const faults = [
      ...missing.map((member) => `${member}: Give it.`),
      ...findMemberFaults(given, rules, hint).map(({ message }) => message),
    ]
    if (faults.length > 0) throw new Refusal(faults.join(' '))
    return given as unknown as ResourceDescription // each member passed its rule
  }

  return {
    find: async (resource) =>
      findUriFault(resource) === undefined ? cache.find(resource) : undefined,

    invalidate: (resource) => cache.invalidate(resource),

    list: () => store.listResources(),

    longestTtlSeconds: () => store.getLongestTtlSeconds(),

    async create(input) {
      const now = clock.now()
      const created = toResource(check(requireObject(input)), now, now)
      if ((await store.insertResource(created)) === 'exists')
        throw new Refusal(`The resource ${quote(created.resource)} exists already. Update it.`)
      cache.invalidate(created.resource)
      return created
    },

    async update(resource, input) {
      const given = requireObject(input)
      if (given.resource !== undefined && given.resource !== resource)
        throw new Refusal('resource: It cannot be changed. Create another resource.')
      const changed = await store.changeResource(resource, (current) =>
        toResource(
          check({ ...toDescription(current), ...given, resource }),
          current.createdAt,
          clock.now(),
        ),
      )
      if (!changed) throw unknownResource(resource)
      cache.invalidate(resource)
      return changed
    },

    async delete(resource) {
      if ((await store.deleteResource(resource)) === 'unknown') throw unknownResource(resource)
      cache.invalidate(resource)
    },
  }
}

/** A resource as an administrator wrote it. */
export function toDescription(resource: Resource): ResourceDescription {
  const { scopes, accessTokenTtlSeconds, accessTokenSignedResponseAlg } = resource
  return {
    resource: resource.resource,
    name: resource.name,
    ...(scopes && { scopes }),
    ...(accessTokenTtlSeconds && { access_token_ttl_seconds: accessTokenTtlSeconds }),
    ...(accessTokenSignedResponseAlg && {
      access_token_signed_response_alg: accessTokenSignedResponseAlg,
    }),
  }
}

function toResource(given: ResourceDescription, createdAt: Date, updatedAt: Date): Resource {
  return {
    resource: given.resource,
    name: given.name,
    scopes: given.scopes,
    accessTokenTtlSeconds: given.access_token_ttl_seconds,
    accessTokenSignedResponseAlg: given.access_token_signed_response_alg,
    createdAt,
    updatedAt,
  }
}

function rulesFor(algorithms: readonly string[]) {
  return {
    resource: textRule(findUriFault),
    name: shortText(200),
    scopes: listOf(scopeToken),
    access_token_ttl_seconds: wholeNumber(1, maxTtlSeconds),
    access_token_signed_response_alg: oneOf(algorithms),
  }
}

/** RFC 8707 §2: an absolute URI without a fragment. */
function findUriFault(uri: string): string | undefined {
  if (uri.length > maxUriLength) return `Keep it within ${maxUriLength} characters.`
  if (uri.includes('#')) return 'Leave out the fragment (RFC 8707 §2).'
  return /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(uri) && URL.canParse(uri)
    ? undefined
    : 'Give an absolute URI, such as https://api.example.com (RFC 8707 §2).'
}

function requireObject(input: unknown): JsonObject {
  if (!isPlainObject(input)) throw new Refusal('Give the resource as a JSON object.')
  return input
}

function unknownResource(resource: string): Refusal {
  return new Refusal(`There is no resource ${quote(resource)}. List the resources.`)
}
