/** The watch over tokens: an event becomes a log line, a metric and a row. It tells, and never gets in a request's way. */
import type { Clock } from '../database/clock.ts'
import type { EventBuffer } from './event-buffer.ts'
import { eventLevels, toRecord } from './events.ts'
import type { EventLog, EventRecord, Origin, TokenEvent } from './events.ts'
import type { Metrics, RefreshVerdict } from './metrics.ts'

export interface Watch {
  record(event: TokenEvent, origin: Origin): void
  countRefresh(verdict: RefreshVerdict): void
}

/** Whoever looks for an attack shall not wait for the next flush. */
const urgent = new Set<TokenEvent['type']>(['refresh.reused', 'code.reused'])

export function createWatch({
  events,
  metrics,
  clock,
  keepsRows,
  mostRefusals,
}: {
  events: Pick<EventBuffer, 'add' | 'flush'>
  metrics: Pick<Metrics, 'observe' | 'refreshes' | 'eventsDropped'>
  clock: Pick<Clock, 'now'>
  keepsRows: boolean
  /** How many refusals of one network become rows in a minute: whoever is refused could fill the disk otherwise. */
  mostRefusals: number
}): Watch {
  const isNewUse = createUses()
  const isWorthARow = createRefusals(mostRefusals)

  return {
    record(event, origin) {
      const record = toRecord(event, { ...origin, at: clock.now() })
      if (!isNewUse(record)) return
      tell(record, origin.log)
      metrics.observe(event)
      if (!keepsRows) return
      if (!isWorthARow(record)) return metrics.eventsDropped.inc()
      events.add(record)
      if (urgent.has(event.type)) events.flush().catch(leaveToTheJob)
    },
    countRefresh: (verdict) => metrics.refreshes.inc({ verdict }),
  }
}

/** The request's own logger has its id. */
function tell(record: EventRecord, log: EventLog): void {
  const { type, network, client_id, sub, sid, grant_id, jti, details } = record
  const fields = { event: type, network, client_id, sub, sid, grant_id, jti, ...details }
  log[eventLevels[type]](fields, 'event')
}

const useSeconds = 60
const mostUses = 20_000

/** A token may be used thousands of times a second: one event a minute for each network tells as much. */
function createUses(): (record: EventRecord) => boolean {
  let minute = 0
  let seen = new Set<string>()
  return ({ type, at, jti, sid, network }) => {
    if (type !== 'token.used' && type !== 'session.used') return true
    const now = Math.floor(at.getTime() / 1000 / useSeconds)
    if (now !== minute || seen.size >= mostUses) seen = new Set()
    minute = now
    const use = `${type} ${type === 'token.used' ? jti : sid} ${network}`
    return !seen.has(use) && seen.add(use) !== undefined
  }
}

const refusals = new Set<TokenEvent['type']>(['token.refused', 'client.refused', 'login.failed'])
const mostNetworks = 20_000

function createRefusals(most: number): (record: EventRecord) => boolean {
  let minute = 0
  let counts = new Map<string, number>()
  return ({ type, at, network }) => {
    if (!refusals.has(type)) return true
    const now = Math.floor(at.getTime() / 60_000)
    if (now !== minute || counts.size >= mostNetworks) counts = new Map()
    minute = now
    const count = (counts.get(network) ?? 0) + 1
    counts.set(network, count)
    return count <= most
  }
}

/** jobs/write-events tries again, and tells. */
function leaveToTheJob(): void {}
