/** claviger keys: the keys that sign tokens. */
import { Option, type CommandUnknownOpts } from '@commander-js/extra-typings'
import type { RotationOutcome } from '../keys/rotation.ts'
import { Refusal } from '../protocol/refusal.ts'
import { signingAlgs } from '../protocol/signing-algs.ts'
import type { KeyServices } from '../services/keys.ts'
import { actor } from './actor.ts'
import { addCommand, addNoun } from './command.ts'
import * as view from './key-view.ts'
import { indent, print, table } from './output.ts'
import { span, whenAndHow } from './time.ts'
import { withDatabase, type CommandContext } from './with-database.ts'

export function addKeys(program: CommandUnknownOpts): void {
  const keys = addNoun(program, 'keys', {
    description: 'the keys that sign tokens; they rotate by themselves',
    examples: [
      'claviger keys list',
      'claviger keys rotate --alg ES256',
      'claviger keys revoke KID --reason "found in a log"',
    ],
  })

  addCommand(keys, 'list', {
    description: 'list all keys with their state and what comes next',
    examples: ['claviger keys list', 'claviger keys list --json'],
  }).action((format) =>
    withDatabase(async ({ config, database, clock }) => {
      const { createSigningKeyStore } = await import('../keys/store.ts')
      const now = clock.now()
      const stored = await createSigningKeyStore(database).list()
      const views = view.viewKeys(
        stored,
        { rotationIntervalSeconds: config.keyRotationIntervalSeconds },
        now,
      )
      await print(format, { keys: views.map(view.toDocument) }, () =>
        views.length === 0
          ? 'No keys yet: the first start of the server makes them. Type: claviger serve'
          : table(
              view.rowHead,
              views.map((one) => view.toRow(one, now)),
            ),
      )
    }),
  )
  addRotate(keys)
  addRevoke(keys)
}

function addRotate(keys: CommandUnknownOpts): void {
  addCommand(keys, 'rotate', {
    description: 'let the next key sign now, before the rotation interval is over',
    examples: [
      'claviger keys rotate',
      'claviger keys rotate --alg RS256',
      'claviger keys rotate --alg RS256 --force',
    ],
  })
    .addOption(new Option('--alg <algorithm>', 'only this algorithm').choices(signingAlgs))
    .option(
      '--force',
      'even before the lead is over: verifiers that cached the JWKS may refuse new tokens until they fetch it again',
    )
    .action(({ alg, force, ...format }) =>
      withKeys(async ({ rotation }, { clock }) => {
        const outcomes = await rotation.rotate({
          ...(alg && { algorithms: [alg] }),
          force: force ?? false,
          actor: actor(),
        })
        const promoted = outcomes.filter(({ verdict }) => verdict === 'promoted')
        const now = clock.now()
        if (promoted.length > 0)
          await print(format, { rotations: outcomes.map(toDocument) }, () =>
            promoted.map((outcome) => describeRotation(outcome, now)).join('\n\n'),
          )
        if (promoted.length < outcomes.length) throw tooEarly(outcomes, now)
      }),
    )
}

function addRevoke(keys: CommandUnknownOpts): void {
  addCommand(keys, 'revoke <kid>', {
    description: 'emergency: take a key out of the JWKS at once; the next one signs from now on',
    examples: ['claviger keys list', 'claviger keys revoke KID --reason "found in a log"'],
  })
    .option('--reason <text>', 'why, for the record')
    .allowUnknownOption() // a kid may begin with a hyphen
    .action((kid, { reason, ...format }) =>
      withKeys(async ({ revokeKey }, { config, clock }) => {
        const { verdict, changes } = await revokeKey(kid, {
          actor: actor(),
          reason: reason ?? null,
        })
        if (verdict === 'unknown')
          throw new Refusal(`No key has the kid ${JSON.stringify(kid)}. Type: claviger keys list`)
        if (verdict === 'already-revoked') throw new Refusal(`The key ${kid} was revoked before.`)
        const document = {
          kid,
          reason: reason ?? null,
          changes: view.toChangeDocuments(changes),
        }
        await print(format, document, () =>
          [
            `Revoked ${kid}: it has left the JWKS, and no token that it signed counts here any more.`,
            `Verifiers elsewhere may trust it for up to ${span(config.jwksMaxAgeSeconds)}, as long as they cache the JWKS.`,
            '',
            indent(view.describeChanges(changes, clock.now())),
          ].join('\n'),
        )
      }),
    )
}

/** The first start makes the keys, and the file that encrypts them; a command that finds none changes nothing. */
function withKeys<T>(work: (keys: KeyServices, context: CommandContext) => Promise<T>): Promise<T> {
  return withDatabase(async (context) => {
    const { createSigningKeyStore } = await import('../keys/store.ts')
    if (!(await createSigningKeyStore(context.database).hasKeys()))
      throw new Refusal('There are no keys yet: the first start makes them. Type: claviger serve')
    const { createAdminServices } = await import('../services/admin.ts')
    const { createKeyServices } = await import('../services/keys.ts')
    return work(await createKeyServices(context, createAdminServices(context)), context)
  })
}

function toDocument({ alg, verdict, signsFrom, changes }: RotationOutcome) {
  return { alg, verdict, signs_from: signsFrom, changes: view.toChangeDocuments(changes) }
}

function describeRotation({ alg, signsFrom, changes }: RotationOutcome, now: Date): string {
  const early =
    signsFrom > now
      ? [
          `Verifiers that have not fetched the JWKS lately may refuse new ${alg} tokens until ${whenAndHow(signsFrom, now)}.`,
        ]
      : []
  return [`Rotated ${alg}.`, indent(view.describeChanges(changes, now)), ...early].join('\n')
}

function tooEarly(outcomes: readonly RotationOutcome[], now: Date): Refusal {
  const next = outcomes
    .filter(({ verdict }) => verdict === 'too-early')
    .map(({ alg, signsFrom }) => `the next ${alg} key may sign from ${whenAndHow(signsFrom, now)}`)
  return new Refusal(
    `Too early: ${next.join(', ')}, when every verifier has had time to fetch it. ` +
      'With --force it signs now, and verifiers that cached the JWKS may refuse its tokens until then.',
  )
}
