/** claviger sessions: who is signed in with which browser. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { Refusal } from '../protocol/refusal.ts'
import type { OpenSession } from '../sessions/sessions.ts'
import { getAccount } from './accounts.ts'
import { actor, reasonOption } from './actor.ts'
import { addCommand, addNoun } from './command.ts'
import { print, table } from './output.ts'
import { describeRevoked, toRevokedDocument } from './revoked-view.ts'
import { relativeTime } from './time.ts'
import { nameOf } from './user-view.ts'
import { withServices } from './with-database.ts'

export function addSessions(program: CommandUnknownOpts): void {
  const sessions = addNoun(program, 'sessions', {
    description: 'who is signed in with which browser',
    examples: [
      'claviger sessions list jane@example.com',
      'claviger sessions revoke SID --reason "left signed in at the library"',
    ],
  })

  addCommand(sessions, 'list <user>', {
    description: 'list the browser sessions of a user that still count, the latest sign-in first',
    examples: [
      'claviger sessions list jane@example.com',
      'claviger sessions list jane --json | jq -r ".sessions[].sid"',
    ],
  }).action((identifier, format) =>
    withServices(async ({ accounts, sessions: registry }, { clock }) => {
      const account = await getAccount(accounts, identifier)
      const found = await registry.list(account.sub)
      const now = clock.now()
      await print(format, { sub: account.sub, sessions: found.map(toDocument) }, () =>
        found.length === 0
          ? `${nameOf(account)} is not signed in with any browser.`
          : table(
              ['sid', 'signed in', 'by', 'expires'],
              found.map((session) => toRow(session, now)),
            ),
      )
    }),
  )

  addCommand(sessions, 'revoke <sid>', {
    description: 'end a browser session with all tokens that came of it',
    examples: [
      'claviger sessions list jane@example.com',
      'claviger sessions revoke SID --reason "left signed in at the library"',
    ],
    notes: ['The sid is in the tokens too.'],
  })
    .option('--keep-refresh-tokens', 'as when the person signs out: refresh tokens go on')
    .option(...reasonOption)
    .action((sid, { keepRefreshTokens = false, reason, ...format }) =>
      withServices(async ({ revocations, longestTokenSeconds }) => {
        const act = { actor: actor(), reason, refreshTokens: !keepRefreshTokens }
        const revoked = await revocations.revokeSession({ sid }, act)
        if (!revoked)
          throw new Refusal(
            `No session with the sid ${JSON.stringify(sid)} is left to end. Type: claviger sessions list USER`,
          )
        const context = { reason, longestSeconds: await longestTokenSeconds() }
        await print(format, { sid, ...toRevokedDocument(revoked, context) }, () =>
          [
            `Revoked the session ${sid}.`,
            describeRevoked(revoked, context),
            ...(keepRefreshTokens ? ['Its refresh tokens go on.'] : []),
          ].join('\n'),
        )
      }),
    )
}

function toDocument({ sid, authTime, amr, expiresAt }: OpenSession) {
  return { sid, auth_time: authTime, amr, expires_at: expiresAt }
}

function toRow({ sid, authTime, amr, expiresAt }: OpenSession, now: Date): string[] {
  return [sid, relativeTime(authTime, now), amr.join(' '), relativeTime(expiresAt, now)]
}
