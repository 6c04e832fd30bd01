/** claviger events: what happened to tokens, sign-ins and clients (docs/watching.md). */
import { Option, type CommandUnknownOpts } from '@commander-js/extra-typings'
import { setTimeout as delay } from 'node:timers/promises'
import type { Accounts } from '../users/accounts.ts'
import { isSub } from '../users/identifiers.ts'
import type { EventFilter, EventStore, StoredEvent } from '../watch/events-store.ts'
import { eventTypes } from '../watch/events.ts'
import { getAccount } from './accounts.ts'
import { addCommand, parseWholeNumber, sinceOption } from './command.ts'
import { print, write, type Format } from './output.ts'
import { localTime } from './time.ts'
import { withServices } from './with-database.ts'

const hour = 3600

export function addEvents(program: CommandUnknownOpts): void {
  addCommand(program, 'events', {
    description: 'tell what happened to tokens, sign-ins and clients; the latest last',
    examples: [
      'claviger events --user jane@example.com --since 7d',
      'claviger events --type token.refused --client web --json',
      'claviger events --follow',
    ],
    notes: [
      'Events become rows every second, and stay for CLAVIGER_EVENT_RETENTION_SECONDS.',
      'With --follow, --json prints one event a line.',
    ],
  })
    .addOption(new Option('--type <type>', 'only these').choices(eventTypes))
    .option('--user <user>', 'only those of this user: email, username or sub')
    .option('--client <client_id>', 'only those of this client')
    .addOption(sinceOption(hour, '1h'))
    .option('--limit <number>', 'only the latest so many', parseWholeNumber, 50)
    .option('--follow', 'go on with what comes, until stopped')
    .action(({ type, user, client: clientId, since, limit, follow: follows, ...format }) =>
      withServices(async ({ accounts }, { database, clock }) => {
        const { createEventStore } = await import('../watch/events-store.ts')
        const store = createEventStore(database)
        const sub = user === undefined ? undefined : await subOf(accounts, user)
        const filter = {
          since: new Date(clock.now().getTime() - since * 1000),
          type,
          sub,
          clientId,
          limit,
        }
        if (follows) return follow(store, filter, format)
        const events = await store.list(filter)
        return print(format, { events }, () =>
          events.length === 0 ? 'No such events.' : events.map(describe).join('\n'),
        )
      }),
    )
}

/** Events outlive their user. */
async function subOf(accounts: Pick<Accounts, 'find'>, user: string): Promise<string> {
  return isSub(user) ? user.toLowerCase() : (await getAccount(accounts, user)).sub
}

const pauseMilliseconds = 1000
/** A row with a smaller id may appear later, when another node's batch took longer. */
const lookBack = 10_000

async function follow(
  store: Pick<EventStore, 'list'>,
  filter: EventFilter,
  format: Format,
): Promise<void> {
  const stopping = new AbortController()
  const stop = () => stopping.abort()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
  process.stdout.once('error', stop) // whoever read has gone

  const known = await store.list({ ...filter, limit: lookBack })
  const seen = new Set(known.map(({ id }) => id))
  let fresh = known.slice(Math.max(0, known.length - filter.limit))
  while (!stopping.signal.aborted) {
    for (const event of fresh)
      write(process.stdout, format.json ? JSON.stringify(event) : describe(event))
    await delay(pauseMilliseconds, undefined, { signal: stopping.signal }).catch(() => {})
    const after = Math.max(0, ...seen) - lookBack
    const latest = await store.list({ ...filter, after, limit: lookBack })
    fresh = latest.filter(({ id }) => !seen.has(id))
    for (const { id } of fresh) seen.add(id)
    for (const id of seen) if (id < after) seen.delete(id)
  }
}

function describe(event: StoredEvent): string {
  const { id: _, at, type, network, details, ...about } = event
  const facts = Object.entries({ ...details, ...about })
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${value}`)
  return [localTime(at), type.padEnd(16), network.padEnd(18), ...facts].join('  ')
}
