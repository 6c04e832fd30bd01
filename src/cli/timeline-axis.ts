/** A time axis of a given number of columns, with ticks at round local times. */
import { localTime } from './time.ts'

export interface Axis {
  from: Date
  to: Date
  columns: number
  /** In which column an instant lies; outside, the nearest. */
  columnOf(instant: Date): number
}

interface Scale {
  stepSeconds: number
  /** The part of a local time that is its label. */
  label: readonly [start: number, end: number]
}

const day = 86_400
const byDate = [0, 10] as const // 2026-11-22
const byMinute = [5, 16] as const // 11-22 06:24
const bySecond = [11, 19] as const // 06:24:33
const gap = 2
const scales: readonly Scale[] = [
  ...[1, 2, 5, 10, 15, 30, 60].map((seconds) => ({ stepSeconds: seconds, label: bySecond })),
  ...[2, 5, 10, 15, 30, 60, 180, 360, 720].map((minutes) => ({
    stepSeconds: minutes * 60,
    label: byMinute,
  })),
  ...[1, 2, 7, 14, 28, 91, 182, 364, 1820, 3640].map((days) => ({
    stepSeconds: days * day,
    label: byDate,
  })),
]

export function createAxis(from: Date, to: Date, columns: number): Axis {
  const start = from.getTime()
  const span = Math.max(1000, to.getTime() - start)
  return {
    from,
    to: new Date(start + span),
    columns,
    columnOf(instant) {
      const column = Math.floor(((instant.getTime() - start) / span) * columns)
      return Math.min(columns - 1, Math.max(0, column))
    },
  }
}

/** A line of labels and a line of ticks; `now` has a mark of its own. */
export function drawAxis(
  axis: Axis,
  now: Date,
  signs: { line: string; tick: string; now: string },
): [labels: string, ticks: string] {
  const { label, stepSeconds } = scaleOf(axis)
  let labels = ''
  const ticks = Array<string>(axis.columns).fill(signs.line)
  for (const instant of roundInstants(axis, stepSeconds)) {
    const column = axis.columnOf(instant)
    const text = localTime(instant).slice(...label)
    ticks[column] = signs.tick
    if (column + text.length <= axis.columns) labels = labels.padEnd(column) + text
  }
  ticks[axis.columnOf(now)] = signs.now
  return [labels, ticks.join('')]
}

function scaleOf({ from, to, columns }: Axis): Scale {
  const seconds = (to.getTime() - from.getTime()) / 1000
  const fits = ({ stepSeconds, label: [start, end] }: Scale) =>
    (stepSeconds / seconds) * columns >= end - start + gap
  return scales.find(fits) ?? { stepSeconds: seconds, label: byDate }
}

/** Multiples of the step in local time, so that days begin at midnight, in summer and in winter. */
function roundInstants({ from, to }: Axis, stepSeconds: number): Date[] {
  const step = stepSeconds * 1000
  const instants: Date[] = []
  const offset = toLocal(from.getTime()) - from.getTime()
  for (let local = Math.ceil((from.getTime() + offset) / step) * step; ; local += step) {
    const guess = local - offset
    const instant = new Date(guess - (toLocal(guess) - local))
    if (instant >= to) return instants
    if (instant >= from) instants.push(instant)
  }
}

function toLocal(time: number): number {
  return time - new Date(time).getTimezoneOffset() * 60_000
}
