/** A picture of the signing keys over time: one line per key, with a bar of what it does. */
import type { TimelineEvent, TimelineEventKind } from '../keys/timeline.ts'
import { indent } from './output.ts'
import { shortTime } from './key-view.ts'
import { localTime, relativeTime } from './time.ts'
import { createAxis, drawAxis, type Axis } from './timeline-axis.ts'

export interface PictureOptions {
  columns: number
  /** Only characters of US-ASCII. */
  ascii: boolean
}

/** One key, and when it does what. */
interface Lane {
  alg: string
  kid: string | undefined
  at: Partial<Record<TimelineEventKind, Date>>
}

interface Signs {
  published: string
  signs: string
  retires: string
  revoked: string
  axis: { line: string; tick: string; now: string }
  cut: string
}

const plain: Signs = {
  published: '.',
  signs: '#',
  retires: '-',
  revoked: 'x',
  axis: { line: '-', tick: '+', now: 'v' },
  cut: '~',
}
const drawn: Signs = {
  published: '░',
  signs: '█',
  retires: '▒',
  revoked: '✗',
  axis: { line: '─', tick: '┬', now: '▼' },
  cut: '…',
}
const labelWidth = 18 // RS256  IVx83k2a…
const leastColumns = 20
const comingGroups = 5

export function drawTimeline(
  events: readonly TimelineEvent[],
  now: Date,
  { columns, ascii }: PictureOptions,
): string {
  const signs = ascii ? plain : drawn
  const lanes = lanesOf(events)
  const axis = axisOf(lanes, now, Math.max(leastColumns, columns - labelWidth))
  const shown = lanes.filter((lane) => (endOf(lane) ?? axis.to) >= axis.from)
  const older = lanes.length - shown.length
  const margin = ' '.repeat(labelWidth)
  const axisLines = drawAxis(axis, now, signs.axis).map((line) => margin + line)
  const algs = [...new Set(shown.map(({ alg }) => alg))].toSorted()
  const groups = algs.map((alg) =>
    shown
      .filter((lane) => lane.alg === alg)
      .map((lane, index) => drawLane(lane, index === 0, axis, signs).trimEnd())
      .join('\n'),
  )
  return [
    axisLines.join('\n'),
    ...groups.flatMap((group) => [group, '']),
    legendOf(signs, now),
    ...(older > 0 ? [`Older keys, not in the picture: ${older}`] : []),
    '',
    'Coming',
    indent(describeComing(events, now, signs)),
  ].join('\n')
}

/** Keys that are yet to be made have no kid, but their events come in the order of the keys. */
function lanesOf(events: readonly TimelineEvent[]): Lane[] {
  const lanes = new Map<string, Lane>()
  const counts = new Map<string, number>()
  for (const { alg, kid, event, at } of events) {
    const count = (counts.get(`${alg} ${event}`) ?? 0) + 1
    if (kid === undefined) counts.set(`${alg} ${event}`, count)
    const name = kid ?? `${alg} ${count}`
    const lane = lanes.get(name) ?? { alg, kid, at: {} }
    lane.at[event] = at
    lanes.set(name, lane)
  }
  return [...lanes.values()].toSorted((a, b) => turnOf(a) - turnOf(b))
}

/** Keys stand in the order in which they sign. */
function turnOf({ at }: Lane): number {
  return (at.signs ?? at.revoked)?.getTime() ?? Number.MAX_SAFE_INTEGER
}

function endOf({ at }: Lane): Date | undefined {
  return at.revoked ?? at.leaves
}

/** The past takes half of the picture at most. */
function axisOf(lanes: readonly Lane[], now: Date, columns: number): Axis {
  const instants = lanes.flatMap(({ at }) => Object.values(at)).map((at) => at.getTime())
  const last = Math.max(now.getTime() + 1000, ...instants)
  const first = Math.min(now.getTime(), ...instants)
  const from = Math.max(first, 2 * now.getTime() - last)
  const room = (last - from) / 20 // for the keys that are published last
  return createAxis(new Date(from), new Date(last + room), columns)
}

function drawLane(lane: Lane, isFirst: boolean, axis: Axis, signs: Signs): string {
  const name = lane.kid === undefined ? 'to come' : lane.kid.slice(0, 8) + signs.cut
  const label = `${(isFirst ? lane.alg : '').padEnd(7)}${name}`.padEnd(labelWidth)
  const cells = Array<string>(axis.columns).fill(' ')
  const { published, signs: signing, retires, leaves, revoked } = lane.at
  const phases = [
    [published, signing, signs.published],
    [signing, retires, signs.signs],
    [retires, leaves, signs.retires],
  ] as const
  let free = 0
  for (const [start, planned, sign] of phases) {
    const end = planned ?? revoked ?? axis.to
    if (!start || end <= axis.from || end <= start) continue
    const first = Math.max(free, axis.columnOf(start))
    // However short, it is seen.
    free = Math.max(first + 1, planned || revoked ? axis.columnOf(end) : axis.columns)
    for (let column = first; column < Math.min(free, axis.columns); column++) cells[column] = sign
  }
  if (revoked)
    cells[Math.min(axis.columns - 1, Math.max(free, axis.columnOf(revoked)))] = signs.revoked
  return label + cells.join('')
}

function legendOf(signs: Signs, now: Date): string {
  return [
    `${signs.published} published, not signing yet   ${signs.signs} signing   ` +
      `${signs.retires} its last tokens live   ${signs.revoked} revoked`,
    `${signs.axis.now} now, ${localTime(now)}`,
  ].join('\n')
}

/** Who signs comes first. That a next key is published whenever one begins to sign goes without saying. */
function describeComing(events: readonly TimelineEvent[], now: Date, { cut }: Signs): string {
  const groups = new Map<string, { at: Date; alg: string; deeds: string[] }>()
  for (const { at, alg, kid, event, isPast } of events) {
    if (isPast || event === 'published') continue
    const id = `${at.getTime()} ${alg}`
    const group = groups.get(id) ?? { at, alg, deeds: [] }
    const name = kid === undefined ? 'a new key' : kid.slice(0, 8) + cut
    if (event === 'signs') group.deeds.unshift(`${name} signs`)
    else group.deeds.push(`${name} ${event}`)
    groups.set(id, group)
  }
  return [...groups.values()]
    .slice(0, comingGroups)
    .map(({ at, alg, deeds }) =>
      [shortTime(at), relativeTime(at, now).padEnd(13), alg, deeds.join(', ')].join('  '),
    )
    .join('\n')
}
