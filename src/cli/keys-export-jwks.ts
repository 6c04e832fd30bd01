/** claviger keys export-jwks: the JWKS as it is published now. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { rename, rm, writeFile } from 'node:fs/promises'
import { Refusal } from '../protocol/refusal.ts'
import { addCommand } from './command.ts'
import { print, write } from './output.ts'
import { noKeys, withStoredKeys } from './with-keys.ts'

export function addExportJwks(keys: CommandUnknownOpts): void {
  addCommand(keys, 'export-jwks', {
    description: 'print the JWKS as it is published now, for verifiers that cannot fetch it',
    examples: ['claviger keys export-jwks', 'claviger keys export-jwks --file /srv/www/jwks.json'],
    notes: ['The file is replaced as a whole. Export it anew well within the publication lead.'],
  })
    .option('--file <file>', 'write it there')
    .action(({ file, ...format }) =>
      withStoredKeys(async ({ keys: stored, now }) => {
        if (stored.length === 0) throw noKeys()
        const { createJwksView } = await import('../keys/jwks.ts')
        const { body, etag } = createJwksView(stored, now).jwks
        if (file === undefined) return write(process.stdout, body)
        await replaceFile(file, `${body}\n`)
        return print(format, { file, etag }, () => `Wrote ${file}`)
      }),
    )
}

/** Whoever reads it gets the former one or this one, never a part. */
async function replaceFile(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.draft`
  try {
    await writeFile(draft, text, { flush: true })
    await rename(draft, file)
  } catch (cause) {
    await rm(draft, { force: true })
    throw new Refusal(`${file} cannot be written: give a path where this user may write.`, {
      cause,
    })
  }
}
