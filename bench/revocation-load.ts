/** What the feed costs a node: many listeners on its stream while many revocations are recorded. Linux only (/proc). */
import { randomBytes, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { decodeJwt } from 'jose'
import { post } from '../test/support/flow.ts'
import type { FeedDocument } from '../src/verifier/feed.ts'
import { withDeployment, type Deployment } from './deployment.ts'

const { values } = parseArgs({
  options: {
    listeners: { type: 'string', default: '1000' },
    revocations: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '60' },
  },
})
const [listenerCount, revocationCount, seconds] = [
  Number(values.listeners),
  Number(values.revocations),
  Number(values.seconds),
]
if (!(listenerCount > 0 && revocationCount > 0 && seconds > 0))
  throw new Error('--listeners, --revocations and --seconds are numbers above 0')

/** What one listener has got. */
interface Listener {
  entries: number
  bytes: number
  documents: number
}

await withDeployment(1, { CLAVIGER_ACCESS_TOKEN_TTL_SECONDS: '3600' }, async (deployment) => {
  const { admin, nodes } = deployment
  const pid = nodes[0]!.pid()!
  const listeners = await listen(deployment)
  await delay(2_000)
  const before = await usageOf(pid)
  const began = performance.now()
  for (let recorded = 0; recorded < revocationCount; recorded++) {
    const due = began + (recorded * seconds * 1000) / revocationCount
    if (due > performance.now()) await delay(due - performance.now())
    await admin.revocations.revokeToken(randomUUID(), { actor: 'bench' })
  }
  const took = (performance.now() - began) / 1000
  const caughtUpAfter = await untilCaughtUp(listeners)
  const after = await usageOf(pid)
  const sum = (pick: (listener: Listener) => number) =>
    listeners.reduce((total, listener) => total + pick(listener), 0)
  const figures = {
    'revocations recorded, listeners': `${revocationCount}, ${listenerCount}`,
    'seconds, until the last listener had all': `${took.toFixed(1)}, ${caughtUpAfter.toFixed(2)} more`,
    'documents to each listener': (sum((one) => one.documents) / listenerCount).toFixed(0),
    'megabytes sent': (sum((one) => one.bytes) / 1e6).toFixed(0),
    "the node's CPU": `${((100 * (after.cpuSeconds - before.cpuSeconds)) / took).toFixed(0)} % of a core`,
    "the node's memory": `${before.megabytes.toFixed(0)} MB before, ${after.megabytes.toFixed(0)} MB after, ${after.peakMegabytes.toFixed(0)} MB at most`,
  }
  for (const [name, figure] of Object.entries(figures))
    process.stdout.write(`${name.padEnd(44)} ${figure}\n`)
})

async function listen({ issuer, admin }: Deployment): Promise<Listener[]> {
  const secret = randomBytes(32).toString('hex')
  const scope = 'revocations'
  await admin.clients.create({
    client_id: 'api',
    client_secret: secret,
    grant_types: ['client_credentials'],
    scope,
  })
  const { body } = await post(
    { issuer },
    '/token',
    { clientId: 'api', secret },
    {
      grant_type: 'client_credentials',
      scope,
    },
  )
  const agent = new Agent({ maxSockets: Infinity })
  return Promise.all(
    Array.from({ length: listenerCount }, () =>
      follow(issuer, String(body['access_token']), agent),
    ),
  )
}

function follow(issuer: string, token: string, agent: Agent): Promise<Listener> {
  const listener: Listener = { entries: 0, bytes: 0, documents: 0 }
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' }
  return new Promise((resolve, reject) => {
    const request = get(`${issuer}/revocations`, { agent, headers }, (response) => {
      let rest = ''
      if (response.statusCode !== 200) reject(new Error(`The feed answered ${response.statusCode}`))
      response.setEncoding('latin1').on('data', (text: string) => {
        listener.bytes += text.length
        const events = (rest + text).split('\n\n')
        rest = events.pop()!
        for (const event of events) {
          const jwt = /^data: (.*)$/m.exec(event)?.[1]
          if (jwt === undefined) continue
          listener.documents += 1
          listener.entries += decodeJwt<FeedDocument>(jwt).entries.length
        }
        resolve(listener)
      })
      response.on('error', () => {}) // the node is killed in the end
    })
    request.on('error', reject)
  })
}

/** Seconds. */
async function untilCaughtUp(listeners: readonly Listener[]): Promise<number> {
  const began = performance.now()
  while (listeners.some(({ entries }) => entries < revocationCount)) {
    if (performance.now() - began > 60_000)
      throw new Error('A listener had not got every revocation a minute later.')
    await delay(10)
  }
  return (performance.now() - began) / 1000
}

async function usageOf(pid: number) {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
  const [user, system] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14).map(Number)
  const status = await readFile(`/proc/${pid}/status`, 'latin1')
  const megabytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024
  return {
    cpuSeconds: (user! + system!) / 100, // clock ticks, of which Linux reports 100 a second
    megabytes: megabytes('VmRSS'),
    peakMegabytes: megabytes('VmHWM'),
  }
}
