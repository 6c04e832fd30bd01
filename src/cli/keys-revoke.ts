/** claviger keys revoke: the emergency exit for a key that somebody else may have. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { exposureOfRevocation } from '../keys/exposure.ts'
import { Refusal } from '../protocol/refusal.ts'
import { actor } from './actor.ts'
import { addCommand } from './command.ts'
import * as view from './key-change-view.ts'
import { indent, print } from './output.ts'
import { withKeys } from './with-keys.ts'

export function addRevoke(keys: CommandUnknownOpts): void {
  addCommand(keys, 'revoke <kid>', {
    description: 'emergency: take a key out of the JWKS at once; the next one signs from now on',
    examples: [
      'claviger keys list',
      'claviger keys revoke KID --dry-run',
      'claviger keys revoke KID --reason "found in a log"',
    ],
  })
    .option('--reason <text>', 'why, for the audit')
    .option('--dry-run', 'say what would be done, and do nothing')
    .allowUnknownOption() // a kid may begin with a hyphen
    .action((kid, { reason, dryRun = false, ...format }) =>
      withKeys(async ({ revokeKey, signingKeyStore }, { exposure: settings, clock }) => {
        const act = { actor: actor(), reason: reason ?? null, dryRun }
        const { verdict, changes } = await revokeKey(kid, act)
        if (verdict === 'unknown')
          throw new Refusal(`No key has the kid ${JSON.stringify(kid)}. Type: claviger keys list`)
        if (verdict === 'already-revoked') throw new Refusal(`The key ${kid} was revoked before.`)
        const now = clock.now()
        const revoked = changes.find(({ change }) => change === 'revoke')
        const at = revoked && 'revokedAt' in revoked ? revoked.revokedAt : now
        const exposure = exposureOfRevocation(at, settings)
        const breakage = view.findBreakage(changes, await signingKeyStore.list(), settings)
        const document = {
          kid,
          dry_run: dryRun,
          reason: reason ?? null,
          changes: changes.map(view.toChangeDocument),
          exposure: view.toExposureDocument(exposure),
          breaks: breakage.map(view.toBreakageDocument)[0] ?? null,
        }
        await print(format, document, () =>
          [
            dryRun
              ? view.nothingChanged
              : `Revoked ${kid}: no token that it signed counts here any more.`,
            indent(view.describeChanges(changes, now)),
            [
              'Worst case: what a thief signs with it may still be accepted, until',
              indent(view.describeExposure(exposure, now)),
              'A verifier that is restarted, or drops its cached JWKS, is safe at once.',
            ].join('\n'),
            ...breakage.map((one) => view.describeBreakage(one, now)),
          ].join('\n\n'),
        )
      }),
    )
}
