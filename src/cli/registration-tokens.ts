/** claviger registration-tokens: who may register clients without being an administrator (RFC 7591 §3). */
import { Option, type CommandUnknownOpts } from '@commander-js/extra-typings'
import type { StoredInitialAccessToken } from '../registration/initial-access-tokens-store.ts'
import { actor, reasonOption } from './actor.ts'
import { addCommand, addNoun, parseSpan, parseWholeNumber } from './command.ts'
import { fields, print, table, warn } from './output.ts'
import { whenAndHow } from './time.ts'
import { withServices } from './with-database.ts'

const weekSeconds = 7 * 86_400

export function addRegistrationTokens(program: CommandUnknownOpts): void {
  const tokens = addNoun(program, 'registration-tokens', {
    description: 'initial access tokens: who may register clients',
    examples: [
      'claviger registration-tokens create --name "Orders team" --max-uses 5',
      'claviger registration-tokens list',
    ],
    notes: ['They are used while CLAVIGER_REGISTRATION is token or open.'],
  })
  addCreate(tokens)

  addCommand(tokens, 'list', {
    description: 'list all initial access tokens, without their secrets',
    examples: ['claviger registration-tokens list', 'claviger registration-tokens list --json'],
  }).action((format) =>
    withServices(async ({ initialAccessTokens }, { clock }) => {
      const all = await initialAccessTokens.list()
      const now = clock.now()
      await print(format, { registration_tokens: all.map(toDocument) }, () =>
        all.length === 0
          ? 'No tokens. Type: claviger registration-tokens create'
          : table(
              ['id', 'name', 'uses', 'expires'],
              all.map((token) => toRow(token, now)),
            ),
      )
    }),
  )

  addCommand(tokens, 'revoke <id>', {
    description: 'let nobody register with a token any more; the clients that it made stay',
    examples: ['claviger registration-tokens revoke ID --reason "sent to the wrong list"'],
  })
    .option(...reasonOption)
    .action((id, { reason, ...format }) =>
      withServices(async ({ initialAccessTokens }) => {
        await initialAccessTokens.revoke(id, { actor: actor(), reason })
        await print(
          format,
          { id, revoked: true },
          () => `Revoked ${id}: it registers no client any more.`,
        )
      }),
    )
}

function addCreate(tokens: CommandUnknownOpts): void {
  addCommand(tokens, 'create', {
    description: 'create an initial access token and show it once',
    examples: [
      'claviger registration-tokens create --expires 1h --max-uses 1',
      'claviger registration-tokens create --name "Orders team" --json',
    ],
  })
    .option('--name <text>', 'whom it is for')
    .addOption(
      new Option('--expires <span>', 'how long it can be used, such as 1h or 7d')
        .argParser(parseSpan)
        .default(weekSeconds, '7d'),
    )
    .option('--max-uses <number>', 'how many clients it may register', parseWholeNumber)
    .option(...reasonOption)
    .action(({ name, expires, maxUses, reason, ...format }) =>
      withServices(async ({ initialAccessTokens }, { config, clock }) => {
        const { secret, token } = await initialAccessTokens.create(
          { name, ttlSeconds: expires, maxUses },
          { actor: actor(), reason },
        )
        const document = { ...toDocument(token), initial_access_token: secret }
        await print(format, document, () =>
          [
            'Created. Send it as Authorization: Bearer to register a client.',
            '',
            fields([
              ['initial_access_token', secret],
              ['id', token.id],
              ['name', token.name],
              ['max_uses', maxUses === undefined ? 'any number' : String(maxUses)],
              ['expires', whenAndHow(token.expiresAt, clock.now())],
            ]),
            '',
            'Keep the initial_access_token now: it is not shown again.',
          ].join('\n'),
        )
        if (config.registration === 'off')
          warn('CLAVIGER_REGISTRATION is off here: set it to token, or nobody can use this.')
      }),
    )
}

function toDocument(token: StoredInitialAccessToken) {
  const { id, name = null, uses, maxUses, createdAt, expiresAt, revokedAt } = token
  return {
    id,
    name,
    uses,
    max_uses: maxUses ?? null,
    created_at: createdAt,
    expires_at: expiresAt,
    revoked_at: revokedAt ?? null,
  }
}

function toRow(token: StoredInitialAccessToken, now: Date): string[] {
  const { id, name = '', uses, maxUses, expiresAt, revokedAt } = token
  return [
    id,
    name,
    maxUses === undefined ? String(uses) : `${uses} of ${maxUses}`,
    revokedAt ? `revoked ${whenAndHow(revokedAt, now)}` : whenAndHow(expiresAt, now),
  ]
}
