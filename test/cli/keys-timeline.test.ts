import t from 'tap'
import { drawTimeline } from '../../src/cli/timeline-view.ts'
import type { TimelineEvent } from '../../src/keys/timeline.ts'
import { createCliWithKeys } from './keys-setup.ts'

const now = new Date('2026-03-10T12:00:00Z')
const on = (date: string) => new Date(`${date}T12:00:00Z`)

function event(date: string, kid: string | undefined, kind: TimelineEvent['event']): TimelineEvent {
  return { at: on(date), alg: 'ES256', kid, event: kind, isPast: on(date) <= now }
}

const events: TimelineEvent[] = [
  event('2026-01-01', 'ancient-key', 'published'),
  event('2026-01-02', 'ancient-key', 'revoked'),
  event('2026-03-01', 'first-of-all', 'published'),
  event('2026-03-01', 'first-of-all', 'signs'),
  event('2026-03-01', 'second-in-line', 'published'),
  event('2026-03-11', 'stolen-one', 'published'),
  event('2026-03-16', 'stolen-one', 'revoked'),
  event('2026-03-21', 'first-of-all', 'retires'),
  event('2026-03-21', 'second-in-line', 'signs'),
  event('2026-03-21', undefined, 'published'),
  event('2026-03-22', 'first-of-all', 'leaves'),
  event('2026-04-10', 'second-in-line', 'retires'),
  event('2026-04-10', undefined, 'signs'),
  event('2026-04-10', undefined, 'published'),
]

t.test('a timeline has one line per key, with a bar of what it does', (t) => {
  const lines = drawTimeline(events, now, { columns: 62, ascii: true }).split('\n')
  const label = 18
  const picture = lines.slice(0, lines.indexOf(''))
  t.match(picture[0], /^ {18}.*\d{4}-\d\d-\d\d/)
  t.match(picture[1], /^ {18}[-+v]{44}$/)
  t.strictSame(
    picture.slice(2).map((line) => [
      line.slice(0, label).trim(),
      line
        .slice(label)
        .trim()
        .replaceAll(/(.)\1*/g, '$1'),
    ]),
    [
      ['ES256  first-of~', '#-'],
      ['stolen-o~', '.x'],
      ['second-i~', '.#-'],
      ['to come', '.#'],
      ['to come', '.'],
    ],
  )
  const startOf = (row: number, sign: string) => picture[row]!.indexOf(sign)
  t.equal(startOf(4, '#'), picture[2]!.lastIndexOf('#') + 1, 'the next signs when the former ends')
  t.ok(startOf(1, 'v') > startOf(2, '#') && startOf(1, 'v') < startOf(4, '#'), 'now is between')
  t.ok(lines.includes('Older keys, not in the picture: 1'))
  t.match(lines.at(-1), /2026-04-10.* in 31 days +ES256 {2}a new key signs, second-i~ retires/)
  t.end()
})

t.test('a timeline fits its width, whatever the span', (t) => {
  for (const columns of [80, 140, 200])
    for (const factor of [1e-5, 1e-3, 0.1, 1, 40]) {
      const scale = (at: Date) => new Date(now.getTime() + (at.getTime() - now.getTime()) * factor)
      const scaled = events.map((one) => Object.assign({}, one, { at: scale(one.at) }))
      const drawn = drawTimeline(scaled, now, { columns, ascii: false }).split('\n')
      t.strictSame(
        drawn.filter((line) => line.length > columns),
        [],
      )
      t.match(drawn[0], /\d.*\d/, 'the axis has labels')
    }
  t.end()
})

t.test('keys timeline draws in ASCII where there is no terminal; --json has it all', async (t) => {
  const { run, json, kidOf, list } = await createCliWithKeys(t)
  await run(['keys', 'revoke', await kidOf('RS256', 'signing')])
  const { code, stdout } = await run(['keys', 'timeline'])
  t.equal(code, 0)
  t.match(stdout, /^[\n -~]+$/)
  for (const { kid } of await list()) t.ok(stdout.includes(`${kid.slice(0, 8)}~`))
  t.match(stdout, /Coming\n.*in 30 days +\w+ {2}\S+ signs, \S+ retires/)
  const wide = (await run(['keys', 'timeline', '--columns', '120'])).stdout.split('\n')
  t.equal(wide[1]?.length, 120)

  const { transitions, now: asked } = await json(['keys', 'timeline'])
  t.ok(transitions.some((one: { event: string }) => one.event === 'revoked'))
  for (const { at, is_past: isPast, kid, event: kind } of transitions) {
    t.equal(isPast, Date.parse(at) <= Date.parse(asked))
    if (isPast) t.type(kid, 'string', `${kind} of a known key`)
  }
})
