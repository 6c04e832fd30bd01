/** claviger keys rewrap: private keys move to the newest key-encryption key, so that older ones can go. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import type { RewrapOutcome } from '../keys/rewrap.ts'
import type { KeyServices } from '../services/keys.ts'
import { Refusal } from '../protocol/refusal.ts'
import { actor } from './actor.ts'
import { addCommand } from './command.ts'
import { indent, print } from './output.ts'
import { withKeys } from './with-keys.ts'

export function addRewrap(keys: CommandUnknownOpts): void {
  addCommand(keys, 'rewrap', {
    description:
      'encrypt the signing keys and the server secret anew under the newest key-encryption key, while servers run',
    examples: ['claviger keys rewrap --dry-run', 'claviger keys rewrap'],
    notes: ['keys/README.md tells how to put in a new key-encryption key.'],
  })
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--reason <text>', 'why, for the audit')
    .action(({ dryRun = false, reason, ...format }) =>
      withKeys(async ({ rewrapKeys, keyEncryptionKeys }) => {
        const outcome = await rewrapKeys({ actor: actor(), reason: reason ?? null, dryRun })
        const older = findOlder(keyEncryptionKeys, outcome.keyEncryptionKeyId)
        const document = {
          dry_run: dryRun,
          key_encryption_key_id: outcome.keyEncryptionKeyId,
          moved: outcome.moved,
          already_newest: outcome.alreadyNewest,
          failing: outcome.failing,
          older_files: older,
        }
        const { moved, failing } = outcome
        if (format.json || moved.length > 0 || failing.length === 0)
          await print(format, document, () =>
            [
              describeMoves(outcome, { dryRun, newest: newestPlace(keyEncryptionKeys) }),
              ...(failing.length === 0 && older.length > 0 ? [describeOlder(older)] : []),
            ].join('\n\n'),
          )
        if (failing.length > 0) throw notMoved(failing)
      }),
    )
}

type Places = KeyServices['keyEncryptionKeys']

function newestPlace(keys: Places): string {
  return keys.find(keys.newestId)?.place ?? keys.source
}

/** A setting that holds several is one place, and no older one. */
function findOlder(keys: Places, newestId: string): string[] {
  const newest = keys.find(newestId)?.place
  return keys.places.filter((place) => place !== newest)
}

function describeMoves(
  { keyEncryptionKeyId, moved, alreadyNewest }: RewrapOutcome,
  { dryRun, newest }: { dryRun: boolean; newest: string },
): string {
  const target = `the key-encryption key ${keyEncryptionKeyId}\n(${newest})`
  if (moved.length === 0)
    return `Nothing to move: ${count(alreadyNewest.length)} under ${target} already.`
  const verb = dryRun ? 'A dry run: nothing is changed. Would move' : 'Moved'
  return [`${verb} to ${target}:`, indent(moved.join('\n'))].join('\n')
}

function count(number: number): string {
  return number === 1 ? '1 key is' : `${number} keys are`
}

function describeOlder(older: readonly string[]): string {
  return [
    'Older files:',
    indent(older.join('\n')),
    'They may go once every server was started again with the newest one in place; then',
    'type claviger keys rewrap once more, as a server may have made keys under an older one.',
    'Backups of the database from before need them for good: keep a copy with those.',
  ].join('\n')
}

function notMoved(failing: RewrapOutcome['failing']): Refusal {
  const [first] = failing
  const others = failing.length > 1 ? ' With --json the others are told too.' : ''
  return new Refusal(
    `${failing.length} of the keys cannot be moved, so no older file may go. ${first?.fault}${others}`,
  )
}
