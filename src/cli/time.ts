/** Instants and spans as people read them. */

const units = [
  { unit: 'second', seconds: 1, upTo: 120 },
  { unit: 'minute', seconds: 60, upTo: 120 * 60 },
  { unit: 'hour', seconds: 3600, upTo: 48 * 3600 },
  { unit: 'day', seconds: 86_400, upTo: Infinity },
] as const

/** Such as `2026-11-22 06:24:33 +01:00`, where this process is. */
export function localTime(instant: Date): string {
  const minutes = -instant.getTimezoneOffset()
  const shifted = new Date(instant.getTime() + minutes * 60_000).toISOString()
  const sign = minutes < 0 ? '-' : '+'
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  return `${shifted.slice(0, 10)} ${shifted.slice(11, 19)} ${sign}${twoDigits(hours)}:${twoDigits(rest)}`
}

/** Such as `in 23 hours` or `5 minutes ago`. */
export function relativeTime(instant: Date, now: Date): string {
  const seconds = (instant.getTime() - now.getTime()) / 1000
  const { unit, count } = measure(seconds)
  return count === 0 ? 'now' : new Intl.RelativeTimeFormat('en').format(count, unit)
}

export function whenAndHow(instant: Date, now: Date): string {
  return `${localTime(instant)} (${relativeTime(instant, now)})`
}

/** Such as `10 minutes`. */
export function span(seconds: number): string {
  const { unit, count } = measure(seconds)
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

function measure(seconds: number) {
  const size = Math.abs(seconds)
  const scale = units.find(({ upTo }) => size < upTo) ?? units[0]
  return { unit: scale.unit, count: Math.round(seconds / scale.seconds) }
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0')
}
