/** Makes a database hold the users, resources and clients of one file: all of them, or none when one is refused. */
import type { Database, Queryable } from '../database/database.ts'
import { findMemberFaults, flag, shortText, type Rule } from '../clients/rules.ts'
import { hintFor } from '../protocol/did-you-mean.ts'
import { isPlainObject, type JsonObject } from '../protocol/json.ts'
import { Refusal } from '../protocol/refusal.ts'
import type { Act } from '../revocation/recorder.ts'
import { createAdminServices, type AdminServices, type ServiceOptions } from './admin.ts'

export interface Seeded {
  noun: 'user' | 'resource' | 'client'
  /** Its email or username, URI, or client_id. */
  name: string
  change: 'created' | 'updated'
}

interface SeededUser {
  email?: string
  email_verified?: boolean
  username?: string
  password?: string
  claims?: JsonObject
}

const lists = ['users', 'resources', 'clients'] as const

/** What the file names is made so, what it does not name stays. Throws a Refusal that says which entry is at fault. */
export function seed(options: ServiceOptions, input: unknown, act: Act): Promise<Seeded[]> {
  const { users, resources, clients } = readLists(input)
  return options.database.transaction(async (transaction) => {
    const services = createAdminServices({ ...options, database: asDatabase(transaction) })
    const seeded: Seeded[] = []
    for (const [index, user] of users.entries())
      seeded.push(await named(`users[${index}]`, () => seedUser(services, user, act)))
    for (const [index, resource] of resources.entries())
      seeded.push(await named(`resources[${index}]`, () => seedResource(services, resource)))
    for (const [index, client] of clients.entries())
      seeded.push(await named(`clients[${index}]`, () => seedClient(services, client)))
    return seeded
  })
}

const text = shortText(1000)
const userRules: Record<keyof SeededUser, Rule> = {
  email: text,
  email_verified: flag,
  username: text,
  password: text,
  claims: (name, value) => (isPlainObject(value) ? undefined : `${name}: Give a JSON object.`),
}

async function seedUser(
  { accounts, userActs }: AdminServices,
  input: JsonObject,
  act: Act,
): Promise<Seeded> {
  const faults = findMemberFaults(input, userRules, (member) =>
    hintFor(member, Object.keys(userRules)),
  )
  if (faults.length > 0) throw new Refusal(faults.map(({ message }) => message).join(' '))
  const { password, claims, email_verified: emailVerified, ...names }: SeededUser = input
  const name = names.email ?? names.username
  if (name === undefined) throw new Refusal('Give an email or a username.')
  const known = await accounts.find(name)
  if (!known) {
    await accounts.create({ ...names, claims, password, emailVerified })
    return { noun: 'user', name, change: 'created' }
  }
  if (emailVerified !== undefined && emailVerified !== known.emailVerified)
    throw new Refusal('email_verified: It is decided when a user is created. Leave it out.')
  if (claims) await userActs.setClaims(known.sub, claims, act)
  if (password !== undefined && !(await accounts.authenticate(name, password)))
    await userActs.setPassword(known.sub, password, act)
  return { noun: 'user', name, change: 'updated' }
}

async function seedResource({ resources }: AdminServices, input: JsonObject): Promise<Seeded> {
  const uri = input['resource']
  const known = typeof uri === 'string' ? await resources.find(uri) : undefined
  const { resource: name } = known
    ? await resources.update(known.resource, input)
    : await resources.create(input)
  return { noun: 'resource', name, change: known ? 'updated' : 'created' }
}

/** With a client_id of its own: without one, each run would make another client. */
async function seedClient({ clients }: AdminServices, input: JsonObject): Promise<Seeded> {
  const clientId = input['client_id']
  if (typeof clientId !== 'string') throw new Refusal('Give a client_id.')
  const known = await clients.find(clientId)
  if (known) await clients.update(clientId, input)
  else await clients.create(input)
  return { noun: 'client', name: clientId, change: known ? 'updated' : 'created' }
}

function readLists(input: unknown): Record<(typeof lists)[number], JsonObject[]> {
  if (!isPlainObject(input)) throw new Refusal(`Give a JSON object with ${lists.join(', ')}.`)
  const unknown = Object.keys(input).find((name) => !lists.some((list) => list === name))
  if (unknown !== undefined)
    throw new Refusal(`${JSON.stringify(unknown)}: ${hintFor(unknown, lists)}`)
  const { users = [], resources = [], clients = [] } = input
  for (const [name, list] of Object.entries({ users, resources, clients }))
    if (!Array.isArray(list) || !list.every(isPlainObject))
      throw new Refusal(`${name}: Give a list of JSON objects.`)
  return { users, resources, clients } as Record<(typeof lists)[number], JsonObject[]>
}

async function named<T>(entry: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw new Refusal(`${entry}: ${error.message} Nothing was changed.`)
  }
}

/** The transaction in which everything happens, as the rooms know a database. */
function asDatabase(transaction: Queryable): Database {
  return {
    query: (...args) => transaction.query(...args),
    transaction: (work) => work(transaction),
    waiting: () => 0,
    listen: unavailable,
    close: unavailable,
  }
}

function unavailable(): never {
  throw new Error('A transaction can do no such thing')
}
