/** claviger keys: the keys that sign tokens. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { addNoun } from './command.ts'
import { addExportJwks } from './keys-export-jwks.ts'
import { addList } from './keys-list.ts'
import { addLog } from './keys-log.ts'
import { addRevoke } from './keys-revoke.ts'
import { addRewrap } from './keys-rewrap.ts'
import { addRotate } from './keys-rotate.ts'
import { addTimeline } from './keys-timeline.ts'

export function addKeys(program: CommandUnknownOpts): void {
  const keys = addNoun(program, 'keys', {
    description: 'the keys that sign tokens; they rotate by themselves',
    examples: [
      'claviger keys list',
      'claviger keys timeline',
      'claviger keys rotate --alg ES256 --dry-run',
      'claviger keys revoke KID --reason "found in a log"',
    ],
  })
  for (const add of [addList, addTimeline, addRotate, addRevoke, addRewrap, addExportJwks, addLog])
    add(keys)
}
