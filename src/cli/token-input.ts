/** A token that a command is given, and what this issuer knows of it. */
import { Refusal } from '../protocol/refusal.ts'
import type { RefreshFamilies } from '../tokens/refresh-families.ts'
import { readStdin } from './input.ts'
import { reportOn, type ReportedKey, type TokenReport } from './token-report.ts'
import type { CommandContext } from './with-database.ts'

/** `-` is standard input. */
export async function readToken(given: string): Promise<string> {
  const token = (given === '-' ? await readStdin() : given).trim().replace(/^bearer\s+/i, '')
  if (token === '') throw new Refusal('There is no token. Give one, or - and pipe it in.')
  return token
}

export async function reportOnJwt(
  token: string,
  { config, database, clock }: CommandContext,
): Promise<TokenReport> {
  const { createRevocationStore } = await import('../revocation/store.ts')
  const { createUserStore } = await import('../users/store.ts')
  return reportOn(token, {
    issuer: config.issuer,
    now: clock.now(),
    keys: await readPublicKeys(database, clock.now()),
    revocations: createRevocationStore(database),
    findAccount: (subject) => createUserStore(database).findBySubject(subject),
  })
}

/** Undefined before the first start: there is no secret that could have made a refresh token. */
export async function openFamilies(context: CommandContext): Promise<RefreshFamilies | undefined> {
  const { createSigningKeyStore } = await import('../keys/store.ts')
  if (!(await createSigningKeyStore(context.database).hasKeys())) return undefined
  const { createServices } = await import('../services/index.ts')
  const { families } = await createServices(context)
  return families
}

/** Without the private keys, and so without the key-encryption key. */
async function readPublicKeys(
  database: CommandContext['database'],
  now: Date,
): Promise<ReportedKey[]> {
  const { createPublicKey } = await import('node:crypto')
  const { createSigningKeyStore } = await import('../keys/store.ts')
  const { stateOf } = await import('./key-view.ts')
  const keys = await createSigningKeyStore(database).list()
  return keys.map((key) => {
    const { kid, alg, publicJwk, revocationReason } = key
    const publicKey = createPublicKey({ key: publicJwk, format: 'jwk' })
    const { state, since } = stateOf(key, now)
    return { kid, alg, publicKey, state, since, revocationReason }
  })
}
