/** Many nodes on one table: whatever they, their clocks and their connections do, the rules of rotation hold. */
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose'
import * as fc from 'fast-check'
import t from 'tap'
import { createKeyring, type Keyring } from '../../src/keys/keyring.ts'
import { servedSeconds } from '../../src/keys/out-of-touch.ts'
import { createRotation, inUseSeconds, type Rotation } from '../../src/keys/rotation.ts'
import { findNextKey, isInJwks, type KeyTimes } from '../../src/keys/schedule.ts'
import { createSigners } from '../../src/keys/signer.ts'
import { OAuthError } from '../../src/protocol/errors.ts'
import type { SigningAlg } from '../../src/protocol/signing-algs.ts'
import { states } from './model.ts'
import { createMemorySigner, createTable } from './table.ts'

const algs = ['ES256', 'EdDSA'] as const satisfies SigningAlg[]
const longestTokenSeconds = 120
const schedule = {
  algorithms: algs,
  publicationLeadSeconds: 60,
  rotationIntervalSeconds: 200,
  stalenessSeconds: 20,
  clockSkewSeconds: 1,
  jwksMaxAgeSeconds: 10,
  verifierCacheSeconds: 19,
}
const cacheSeconds = schedule.jwksMaxAgeSeconds + schedule.verifierCacheSeconds
const pollSeconds = 5
const start = new Date('2026-11-22T00:00:00Z').getTime()

interface Node {
  lag: number
  /** In a rolling restart they differ. */
  algorithms: readonly SigningAlg[]
  keyring: Keyring
  rotation: Rotation
  isUp: boolean
  /** It reaches neither the table nor hears of changes. */
  isCutOff: boolean
  /** Only notifications are lost. */
  isDeaf: boolean
  /** When its keyring last read the keys, by the table's clock. */
  readAt: number
}

/** What an observer remembers; fast-check's model. */
interface Memory {
  tokens: { kid: string; expiresAt: number }[]
  /** What verifiers hold, whoever gave it to them. */
  caches: { kids: (string | undefined)[]; until: number }[]
}

type System = Awaited<ReturnType<typeof createSystem>>

function expect(holds: boolean, rule: string): void {
  if (!holds) throw new Error(`broken: ${rule}`)
}

const isLive = ({ retiredAt, revokedAt }: KeyTimes) => !retiredAt && !revokedAt

const longest = () => Promise.resolve(longestTokenSeconds)

/** What the job does. */
async function run(node: Node): Promise<void> {
  await node.rotation.runDue()
  await node.keyring.load()
}

async function createSystem(lags: readonly number[]) {
  let now = start
  const table = createTable({ onCommit: () => remember() })
  const signers = createSigners(createMemorySigner())
  /** By the table's clock. */
  const publishedAt = new Map<string, number>()
  const revokedAt = new Map<string, number>()
  /** When a node with EdDSA in its settings last did its job, and whether that has keys. */
  let edDsaAt = start
  let hadEdDsa = false

  function remember(): void {
    for (const { kid, revokedAt: revoked } of table.rows()) {
      if (!publishedAt.has(kid)) publishedAt.set(kid, now)
      if (revoked && !revokedAt.has(kid)) revokedAt.set(kid, now)
    }
    const hasEdDsa = table.rows().some((row) => row.alg === 'EdDSA' && isLive(row))
    const isMissed = now - edDsaAt < (inUseSeconds / 2) * 1000
    expect(hasEdDsa || !hadEdDsa || !isMissed, 'an algorithm that is in use keeps its keys')
    hadEdDsa = hasEdDsa
  }

  const nodes = lags.map((lag) => {
    const node: Partial<Node> = {
      lag,
      algorithms: algs,
      isUp: true,
      isCutOff: false,
      isDeaf: false,
      readAt: -Infinity,
    }
    boot(node as Node)
    return node as Node
  })

  /** A process begins with nothing in memory. */
  function boot(node: Node): void {
    const clock = { now: () => new Date(now - node.lag) }
    const reach = <T>(work: () => Promise<T>): Promise<T> =>
      node.isCutOff ? Promise.reject(new Error('cut off')) : work()
    const settings = { ...schedule, algorithms: node.algorithms }
    const shared = { signers, clock, settings, longestTokenSeconds: longest }
    node.readAt = -Infinity
    const rotation = createRotation({
      ...shared,
      audit: table.audit,
      store: {
        ...table.store,
        list: () => reach(() => table.store.list()),
        recordAlgorithmsInUse: (...use) => reach(() => table.store.recordAlgorithmsInUse(...use)),
        change: (work) => reach(() => table.store.change(work)),
        onChange: () => async () => {},
      },
    })
    node.rotation = {
      ...rotation,
      async runDue() {
        const made = await rotation.runDue()
        if (node.algorithms.includes('EdDSA')) edDsaAt = now
        return made
      },
    }
    node.keyring = createKeyring({
      ...shared,
      store: {
        list: () =>
          reach(async () => {
            node.readAt = now
            return table.store.list()
          }),
      },
    })
  }

  const system = {
    table,
    nodes,
    publishedAt,
    revokedAt,
    boot,
    now: () => now,
    advance: (milliseconds: number) => void (now += milliseconds),
    working: () => nodes.filter(({ isUp, isCutOff }) => isUp && !isCutOff),

    /** Everybody who can hear of a change follows it. */
    async notify(): Promise<void> {
      const hearing = system.working().filter(({ isDeaf }) => !isDeaf)
      await Promise.all(hearing.map(({ keyring }) => keyring.load()))
    },
  }
  await Promise.all(nodes.map(run))
  return system
}

function check({ tokens }: Memory, system: System): void {
  const { table, nodes, publishedAt } = system
  const [now, rows] = [system.now(), table.rows()]
  for (const alg of algs) {
    const own = Object.values(
      states(
        rows.filter((row) => row.alg === alg),
        new Date(now),
      ),
    )
    const count = (state: string) => own.filter((each) => each === state).length
    // Where nobody uses it, a key that is revoked gets no successor.
    const isOne = (count: number) => count === 1 || (count === 0 && alg === 'EdDSA')
    expect(isOne(count('signing')), `one key signs with ${alg}`)
    expect(isOne(count('published')), `one key is next for ${alg}`)
  }
  const living = tokens.filter(({ expiresAt }) => expiresAt > now)
  for (const { kid } of living) {
    const row = rows.find((each) => each.kid === kid)!
    if (row.revokedAt) continue
    expect(isInJwks(row, new Date(now)), 'the key of a living token is published')
    for (const node of nodes) {
      // A JWKS of before a key was published cannot have it; a key that was not forced waits that long.
      const mayKnow = node.isUp && node.readAt > publishedAt.get(kid)! && now < endOf(node)
      if (mayKnow) expect(publishedBy(node).includes(kid), 'every node publishes it')
    }
  }
}

/** When a node publishes no more, because it could not read the keys. */
function endOf({ readAt }: Node): number {
  return readAt + servedSeconds({ ...schedule, longestTokenSeconds }) * 1000
}

function refused(error: unknown): undefined {
  if (!(error instanceof OAuthError)) throw error
}

/** Also of a node that is cut off. */
function publishedBy({ keyring }: Node): (string | undefined)[] {
  const jwks: JSONWebKeySet = JSON.parse(keyring.jwks().body)
  return jwks.keys.map(({ kid }) => kid)
}

/** The keys that were made to sign by force, by a revocation, or by the first start. */
function hurriedKids({ table }: System): Set<string> {
  const hurrying = table.events.filter(
    ({ action, at }) => action !== 'keys.rotate' || at.getTime() <= start,
  )
  const kids = hurrying.flatMap(({ details }) => JSON.stringify(details).match(/[\w-]{43}/g) ?? [])
  return new Set(kids)
}

type Command = fc.AsyncCommand<Memory, System, true>

/** Does it, then checks every rule. */
function command(name: string, act: (memory: Memory, system: System) => Promise<unknown>): Command {
  return {
    check: async () => true,
    toString: () => name,
    async run(memory, system) {
      await act(memory, system)
      check(memory, system)
    },
  }
}

/** On a node that works, if any does. */
function atNode(
  name: string,
  index: number,
  act: (node: Node, system: System) => Promise<unknown>,
): Command {
  return command(`${name} at ${index}`, async (_, system) => {
    const working = system.working()
    const node = working[index % working.length]
    if (!node) return
    await act(node, system)
    await system.notify()
  })
}

const index = fc.nat(2)
const alg = fc.constantFrom(...algs)
const actor = 'ada'

async function sign(one: SigningAlg, node: Node, memory: Memory, system: System): Promise<void> {
  if (!node.isUp || !node.algorithms.includes(one)) return
  const now = system.now()
  const isStale = now - node.readAt >= schedule.stalenessSeconds * 1000
  const token = await node.keyring.sign(one, 'at+jwt', {}).catch(refused)
  const mayWait = one === 'EdDSA' && !node.keyring.canSign(one) // for its lead, when it came back
  expect((token === undefined) === (isStale || mayWait), 'a node signs unless it is stale')
  if (token === undefined) return
  const { kid = '' } = decodeProtectedHeader(token)
  const lead = (schedule.publicationLeadSeconds - schedule.clockSkewSeconds) * 1000
  const wasKnown = now - system.publishedAt.get(kid)! >= lead
  const isHurried = hurriedKids(system).has(kid)
  expect(wasKnown || isHurried, 'no key signs before its lead, unless forced')
  const revoked = system.revokedAt.get(kid)
  expect(revoked === undefined || node.readAt <= revoked, 'who knows of a revocation obeys it')
  const caches = memory.caches.filter(({ until }) => until > now)
  const isEverywhere = caches.every(({ kids }) => kids.includes(kid))
  expect(isEverywhere || isHurried || revoked !== undefined, 'every verifier has the key')
  if (revoked === undefined)
    await jwtVerify(token, createLocalJWKSet(JSON.parse(node.keyring.jwks().body)))
  memory.tokens.push({ kid, expiresAt: now - node.lag + longestTokenSeconds * 1000 })
}

const signs = fc
  .record({ index, alg })
  .map(({ index: i, alg: one }) =>
    command(`sign ${one} at ${i}`, (memory, system) => sign(one, system.nodes[i]!, memory, system)),
  )

/** A verifier keeps what it gets for as long as the lead allows, also from a node that is cut off. */
async function fetchFrom(node: Node, memory: Memory, system: System): Promise<void> {
  if (!node.isUp) return
  const kids = await Promise.resolve(node).then(publishedBy).catch(refused)
  if (kids) memory.caches.push({ kids, until: system.now() + cacheSeconds * 1000 })
}

const fetches = index.map((i) =>
  command(`a verifier asks ${i}`, (memory, system) => fetchFrom(system.nodes[i]!, memory, system)),
)

/** A node is cut off just before a key is published, and feeds a verifier until the others sign with that key. */
const isolates = fc
  .record({ index, alg, wait: fc.nat(schedule.publicationLeadSeconds * 1000) })
  .map(({ index: i, alg: one, wait }) =>
    command(`${i} is cut off before ${one} rotates, and asked ${wait} ms later`, async (...on) => {
      const [memory, system] = on
      const node = system.nodes[i]!
      const other = system.working().find((each) => each !== node && each.algorithms.includes(one))
      if (!node.isUp || node.isCutOff || !other) return
      await run(other)
      await run(node)
      node.isCutOff = true
      await other.rotation.rotate({ actor, algorithms: [one] })
      const next = findNextKey(system.table.rows(), one)!
      system.advance(wait)
      await fetchFrom(node, memory, system)
      system.advance(Math.max(0, next.signsFrom.getTime() + other.lag - system.now()))
      await other.rotation.rotate({ actor, algorithms: [one] })
      await system.notify()
      await other.keyring.load()
      await sign(one, other, memory, system)
    }),
  )

/** Time with the jobs running. */
const passes = fc.integer({ min: 1, max: 30 }).map((polls) =>
  command(`${polls * pollSeconds} s pass`, async (_, system) => {
    for (let poll = 0; poll < polls; poll++) {
      system.advance(pollSeconds * 1000)
      for (const node of system.working()) await run(node)
      await system.notify()
    }
  }),
)

/** Time in which no job runs, as after a pause of the whole machine. */
const pauses = fc.oneof(
  fc.nat(1500),
  fc.integer({ min: 10_000, max: 20_000 }), // up to where a node goes stale
  fc.integer({ min: 100_000, max: 120_000 }), // up to where a token expires
  fc.nat(400_000),
  fc.constant(inUseSeconds * 1000),
)
const jumps = pauses.map((milliseconds) =>
  command(`jump ${milliseconds} ms`, async (_, system) => {
    system.advance(milliseconds)
    for (const node of system.nodes)
      if (node.isUp && system.now() - node.readAt >= schedule.stalenessSeconds * 1000)
        expect(!node.keyring.isLoaded() && !node.keyring.canSign('ES256'), 'a stale node says so')
  }),
)

/** The node that is the last to hear signs with a retired key for as long as it may. */
const signsLate = fc
  .record({ index, alg, wait: fc.nat(19_999) })
  .map(({ index: i, alg: one, wait }) =>
    command(`${i} misses a rotation and signs ${one} ${wait} ms later`, async (memory, system) => {
      const node = system.nodes[i]!
      if (!node.isUp || node.isCutOff) return
      await run(node)
      const other = system.working().find((each) => each !== node && each.algorithms.includes(one))
      if (!other || !node.keyring.canSign(one)) return
      node.isCutOff = true
      await other.rotation.rotate({ actor, algorithms: [one], force: true })
      system.advance(wait)
      const { kid = '' } = decodeProtectedHeader(await node.keyring.sign(one, 'at+jwt', {}))
      const expiresAt = system.now() - node.lag + longestTokenSeconds * 1000
      memory.tokens.push({ kid, expiresAt })
      node.isCutOff = false
      await system.notify()
    }),
  )

const kinds = fc.constantFrom('scheduled', 'early', 'force', 'publish-only', 'dry-run')
const rotates = fc.record({ index, alg, kind: kinds }).map(({ index: i, alg: one, kind }) =>
  atNode(`rotate ${one} (${kind})`, i, async (node, { table }) => {
    const before = table.rows()
    if (kind === 'scheduled') return node.rotation.runDue()
    if (!node.algorithms.includes(one)) return undefined
    await node.rotation.rotate({
      actor,
      algorithms: [one],
      force: kind === 'force',
      publishOnly: kind === 'publish-only',
      dryRun: kind === 'dry-run',
    })
    if (kind === 'dry-run') expect(table.rows() === before, 'a dry run changes nothing')
    return undefined
  }),
)

const rotateTogether = alg.map((one) =>
  command(`all force ${one}`, async (_, system) => {
    const request = { actor, algorithms: [one], force: true }
    const using = system.working().filter(({ algorithms }) => algorithms.includes(one))
    await Promise.all(using.map(({ rotation }) => rotation.rotate(request)))
    await system.notify()
  }),
)

const revokes = fc.record({ index, which: fc.nat(20) }).map(({ index: i, which }) =>
  atNode(`revoke ${which}`, i, (node, { table }) => {
    const { kid } = table.rows()[which % table.rows().length]!
    return node.rotation.revoke(kid, { actor })
  }),
)

const dies = fc.record({ index, alg }).map(({ index: i, alg: one }) =>
  atNode(`die while rotating ${one}`, i, async (node, { table, working }) => {
    if (!node.algorithms.includes(one)) return
    await run(node)
    const before = table.rows()
    table.dieBeforeCommit()
    const work = node.rotation.rotate({ actor, algorithms: [one], force: true })
    const outcome = await work.catch(() => 'died')
    expect(outcome === 'died' && table.rows() === before, 'nothing is done by halves')
    if (working().length > 1) node.isUp = false
  }),
)

const flags = fc.constantFrom('isCutOff', 'isDeaf')
const disturbs = fc.record({ index, flag: flags }).map(({ index: i, flag }) =>
  command(`${flag} at ${i}`, async (_, { nodes }) => {
    nodes[i]![flag] = true
  }),
)

function restart(node: Node, hasEdDsa: boolean, system: System): Promise<void> {
  const algorithms = hasEdDsa ? algs : algs.filter((one) => one !== 'EdDSA')
  Object.assign(node, { isUp: true, isCutOff: false, isDeaf: false, algorithms })
  system.boot(node)
  return run(node)
}

/** From then on no node uses it; and one does again. */
const takesOut = fc.record({ index, wait: fc.nat(4_000) }).map(({ index: i, wait }) =>
  command(`EdDSA is taken out, and back at ${i} after ${wait} s`, async (memory, system) => {
    for (const node of system.nodes) await restart(node, false, system)
    system.advance(inUseSeconds * 1000)
    for (const node of system.nodes) await run(node)
    const rows = system.table.rows()
    expect(!rows.some((row) => row.alg === 'EdDSA' && isLive(row)), 'it is withdrawn')
    system.advance(wait * 1000)
    const back = system.nodes[i]!
    await restart(back, true, system)
    for (const node of system.nodes) await run(node)
    await sign('EdDSA', back, memory, system)
  }),
)

const recovers = fc.record({ index, hasEdDsa: fc.boolean() }).map(({ index: i, hasEdDsa }) =>
  command(`start ${i} anew ${hasEdDsa ? 'with' : 'without'} EdDSA`, async (_, system) => {
    const node = system.nodes[i]!
    await restart(node, hasEdDsa, system)
    await system.notify()
  }),
)

const reconnects = index.map((i) =>
  command(`reconnect ${i}`, async (_, system) => {
    const node = system.nodes[i]!
    Object.assign(node, { isCutOff: false, isDeaf: false })
    if (node.isUp) await run(node)
    await system.notify()
  }),
)

t.test('the rules hold on every node, whatever happens', { timeout: 110_000 }, async (t) => {
  const commands = fc.commands(
    [
      signs,
      signsLate,
      signs,
      signs,
      fetches,
      isolates,
      passes,
      passes,
      jumps,
      rotates,
      rotateTogether,
      revokes,
      dies,
      takesOut,
      disturbs,
      recovers,
      reconnects,
    ],
    { maxCommands: 40, size: 'max' },
  )
  const lags = fc.tuple(fc.nat(50), fc.nat(50), fc.nat(50))
  await t.resolves(
    fc.assert(
      fc.asyncProperty(lags, commands, async (given, sequence) => {
        const system = await createSystem(given)
        await fc.asyncModelRun(
          () => ({ model: { tokens: [], caches: [] }, real: system }),
          sequence,
        )
      }),
      { numRuns: 250, interruptAfterTimeLimit: 60_000 },
    ),
  )
})
