/** claviger logouts: clients that have yet to be told that a session has ended. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import type { LogoutDelivery } from '../sessions/delivery-store.ts'
import { addCommand, addNoun, parseWholeNumber } from './command.ts'
import { print, table } from './output.ts'
import { relativeTime } from './time.ts'
import { withServices } from './with-database.ts'

const clientOption = ['--client <client_id>', 'only those of this client'] as const

export function addLogouts(program: CommandUnknownOpts): void {
  const logouts = addNoun(program, 'logouts', {
    description: 'clients that have yet to be told that a session has ended',
    examples: ['claviger logouts list', 'claviger logouts retry --client my-app'],
    notes: [
      'The servers tell them (OpenID Connect Back-Channel Logout): for a day, then no',
      'more.',
    ],
  })

  addCommand(logouts, 'list', {
    description: 'list what waits, the oldest first, and why',
    examples: ['claviger logouts list', 'claviger logouts list --client my-app --json'],
  })
    .option(...clientOption)
    .option('--limit <number>', 'how many at most', parseWholeNumber, 100)
    .action(({ json, client: clientId, limit }) =>
      withServices(async ({ logouts: waiting }, { clock }) => {
        const found = await waiting.list({ clientId, limit })
        await print({ json }, { logouts: found.map(toDocument) }, async () => {
          if (found.length === 0) return 'Nothing waits: whoever is to be told has been.'
          const more = found.length === limit ? '\n\nThere may be more: add --limit' : ''
          return (
            (await table(
              rowHead,
              found.map((one) => toRow(one, clock.now())),
            )) + more
          )
        })
      }),
    )

  addCommand(logouts, 'retry', {
    description: 'have the servers try again at once what has failed',
    examples: ['claviger logouts retry', 'claviger logouts retry --client my-app'],
  })
    .option(...clientOption)
    .action(({ client: clientId, ...format }) =>
      withServices(async ({ logouts: waiting }) => {
        const retried = await waiting.retry(clientId)
        await print(format, { retried }, () =>
          retried === 0
            ? 'Nothing has failed.'
            : `Due now: ${retried}. Servers that run begin at once; see claviger logouts list`,
        )
      }),
    )
}

const rowHead = ['client_id', 'sub', 'sid', 'since', 'attempts', 'next', 'last error']

function toRow(delivery: LogoutDelivery, now: Date): string[] {
  return [
    delivery.clientId,
    delivery.sub,
    delivery.sid,
    relativeTime(delivery.createdAt, now),
    String(delivery.attempts),
    delivery.nextAttemptAt > now ? relativeTime(delivery.nextAttemptAt, now) : 'now',
    delivery.lastError ?? '',
  ]
}

function toDocument(delivery: LogoutDelivery) {
  return {
    jti: delivery.id,
    client_id: delivery.clientId,
    sub: delivery.sub,
    sid: delivery.sid,
    created_at: delivery.createdAt,
    attempts: delivery.attempts,
    next_attempt_at: delivery.nextAttemptAt,
    expires_at: delivery.expiresAt,
    last_error: delivery.lastError ?? null,
  }
}
