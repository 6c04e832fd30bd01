/** claviger keys rotate: the next keys sign, before the rotation interval is over. */
import { Option, type CommandUnknownOpts } from '@commander-js/extra-typings'
import type { RotationOutcome } from '../keys/rotation.ts'
import { Refusal } from '../protocol/refusal.ts'
import { signingAlgs } from '../protocol/signing-algs.ts'
import { actor } from './actor.ts'
import { addCommand } from './command.ts'
import * as view from './key-change-view.ts'
import { indent, print } from './output.ts'
import { whenAndHow } from './time.ts'
import { withKeys } from './with-keys.ts'

type Outcome = RotationOutcome & { breakage: view.Breakage[] }

export function addRotate(keys: CommandUnknownOpts): void {
  addCommand(keys, 'rotate', {
    description: 'let the next key sign now, before the rotation interval is over',
    examples: [
      'claviger keys rotate',
      'claviger keys rotate --alg RS256 --reason "the auditor asked"',
      'claviger keys rotate --alg RS256 --force --dry-run',
    ],
    notes: ['Exits with 1 if a key was too new to sign. Servers rotate by themselves.'],
  })
    .addOption(new Option('--alg <algorithm>', 'only this algorithm').choices(signingAlgs))
    .addOption(
      new Option('--publish-only', 'only see to it that a next key is in the JWKS').conflicts(
        'force',
      ),
    )
    .option('--force', 'even before the lead is over; says what breaks, and for how long')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--reason <text>', 'why, for the audit')
    .action(({ alg, force = false, publishOnly = false, dryRun = false, reason, ...format }) =>
      withKeys(async ({ rotation, signingKeyStore }, { exposure, clock }) => {
        const rotations = await rotation.rotate({
          ...(alg && { algorithms: [alg] }),
          force,
          publishOnly,
          dryRun,
          actor: actor(),
          reason: reason ?? null,
        })
        const stored = await signingKeyStore.list()
        const outcomes = rotations.map((outcome) =>
          Object.assign(outcome, {
            breakage: view.findBreakage(outcome.changes, stored, exposure),
          }),
        )
        const now = clock.now()
        const told = outcomes.filter(
          ({ verdict, changes }) => verdict !== 'too-early' || changes.length > 0,
        )
        if (told.length > 0)
          await print(format, { dry_run: dryRun, rotations: outcomes.map(toDocument) }, () =>
            [
              ...(dryRun ? [view.nothingChanged] : []),
              ...told.map((outcome) => describe(outcome, now)),
            ].join('\n\n'),
          )
        const early = outcomes.filter(({ verdict }) => verdict === 'too-early')
        if (early.length > 0) throw tooEarly(early, now)
      }),
    )
}

function toDocument({ alg, verdict, signsFrom, changes, breakage }: Outcome) {
  return {
    alg,
    verdict,
    signs_from: signsFrom,
    changes: changes.map(view.toChangeDocument),
    breaks: breakage.map(view.toBreakageDocument)[0] ?? null,
  }
}

function describe({ alg, verdict, signsFrom, changes, breakage }: Outcome, now: Date): string {
  if (verdict === 'published' && changes.length === 0)
    return `${alg}: a next key is in the JWKS already; it may sign from ${whenAndHow(signsFrom, now)}.`
  return [
    { promoted: `${alg}: rotated`, published: `${alg}: published`, 'too-early': alg }[verdict],
    indent(view.describeChanges(changes, now)),
    ...breakage.map((one) => view.describeBreakage(one, now)),
  ].join('\n')
}

function tooEarly(outcomes: readonly RotationOutcome[], now: Date): Refusal {
  const next = outcomes.map(
    ({ alg, signsFrom }) => `the next ${alg} key may sign from ${whenAndHow(signsFrom, now)}`,
  )
  return new Refusal(
    `Too early: ${next.join(', ')}, when every verifier has had time to fetch it. ` +
      'With --force it signs now, and verifiers that cached the JWKS may refuse its tokens: ' +
      '--force --dry-run says for how long.',
  )
}
