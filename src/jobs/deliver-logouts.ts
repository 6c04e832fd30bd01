/** Delivers the logout tokens that are due. Nodes do so side by side, and none takes what another has. */
import type { Clock } from '../database/clock.ts'
import type { DeliveryStore, TakenDelivery } from '../sessions/delivery-store.ts'
import type { LogoutDeliveries, Outcome } from '../sessions/logout-delivery.ts'
import type { Job } from './job.ts'

export interface DeliverLogouts extends Job {
  /** Also to be called on every NOTIFY on `logoutsChannel`: a run under way looks again, and ends for all its callers. */
  run(): Promise<void>
  stop(): Promise<void>
}

export interface DeliveryLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

const leaseSeconds = 30 // several times as long as an attempt may take
/** At a time. A client that hangs holds up its own deliveries, and leaves room for those of others. */
const maxClients = 16
const maxPerClient = 4

export function createDeliverLogouts({
  store,
  deliveries,
  clock,
  log,
}: {
  store: Pick<DeliveryStore, 'take'>
  deliveries: LogoutDeliveries
  clock: Pick<Clock, 'now'>
  log: DeliveryLog
}): DeliverLogouts {
  let running: Promise<void> | undefined
  let isStopped = false
  let isWoken = false
  let wake: (() => void) | undefined

  async function deliverDue(): Promise<void> {
    const serving = new Map<string, Promise<void>>()
    const faults: unknown[] = []
    const serve = async (clientId: string, taken: TakenDelivery[]) => {
      const results = await Promise.allSettled(taken.map(deliver))
      serving.delete(clientId)
      for (const result of results) if (result.status === 'rejected') faults.push(result.reason)
    }
    try {
      while (faults.length === 0) {
        isWoken = false
        const busy = [...serving.keys()]
        const taken = await take(busy)
        // Whom it passed over as busy, and who is not any more, may have more.
        const isOneDone = busy.some((clientId) => !serving.has(clientId))
        for (const [clientId, some] of taken) serving.set(clientId, serve(clientId, some))
        if (taken.size > 0 || isWoken || isOneDone) continue
        if (serving.size === 0) break
        const woken = new Promise<void>((resolve) => {
          wake = resolve
        })
        await Promise.race([...serving.values(), woken])
      }
    } finally {
      await Promise.all(serving.values())
    }
    if (faults.length > 0) throw faults[0]
  }

  async function take(busyClients: string[]): Promise<Map<string, TakenDelivery[]>> {
    const room = maxClients - busyClients.length
    const now = clock.now()
    const leaseUntil = new Date(now.getTime() + leaseSeconds * 1000)
    const request = { now, leaseUntil, busyClients, maxClients: room, maxPerClient }
    const taken = room === 0 || isStopped ? [] : await store.take(request)
    const byClient = new Map<string, TakenDelivery[]>()
    for (const one of taken)
      byClient.set(one.clientId, [...(byClient.get(one.clientId) ?? []), one])
    return byClient
  }

  async function deliver(delivery: TakenDelivery): Promise<void> {
    report(delivery, await deliveries.attempt(delivery))
  }

  /** Never the token itself. */
  function report(
    { id, clientId, sid, attempts }: TakenDelivery,
    { kind, ...more }: Outcome,
  ): void {
    const details = { client_id: clientId, sid, jti: id, attempts, ...more }
    if (kind === 'given-up')
      log.warn(details, 'a client could not be told of a logout, and will not be any more')
    if (kind === 'postponed') log.info(details, 'a client could not be told of a logout yet')
    if (kind === 'delivered') log.info(details, 'told a client of a logout')
  }

  return {
    name: 'deliver-logouts',
    intervalSeconds: 1,
    async run() {
      if (isStopped) return
      isWoken = true
      wake?.()
      running ??= deliverDue().finally(() => {
        running = undefined
      })
      await running
    },
    async stop() {
      isStopped = true
      wake?.()
      await running?.catch(() => {}) // who called run() hears of it
    },
  }
}
