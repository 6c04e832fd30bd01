/** claviger tokens revoke: one access token, or the grant of a refresh token. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { Refusal } from '../protocol/refusal.ts'
import type { Act, Revoked } from '../revocation/recorder.ts'
import type { AdminServices } from '../services/admin.ts'
import { whyEnded } from '../tokens/refresh-families.ts'
import { actor, reasonOption } from './actor.ts'
import { addCommand } from './command.ts'
import { print } from './output.ts'
import { describeRevoked, toRevokedDocument } from './revoked-view.ts'
import { openFamilies, readToken, reportOnJwt } from './token-input.ts'
import { withServices, type CommandContext } from './with-database.ts'

type Target = { kind: 'access_token'; jti: string } | { kind: 'refresh_token'; grant_id: string }

/** `revoked` is undefined when there was nothing to do; then the sentence says why. */
interface Outcome {
  target: Target
  revoked?: Revoked
  sentence: string
  /** Where the counted does not tell it. */
  ended?: string
}

type Revocations = AdminServices['revocations']

export function addRevoke(tokens: CommandUnknownOpts): void {
  addCommand(tokens, 'revoke <token>', {
    description: 'refuse an access token from now on; of a refresh token, all tokens of its grant',
    examples: [
      'claviger tokens revoke - < token.txt',
      'claviger tokens revoke eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCIs… --reason "found in a log"',
    ],
    notes: [
      'With - the token is read from standard input, where nobody else on this machine',
      'sees it.',
      'A token that has expired or was revoked before is left alone, which is no error.',
    ],
  })
    .option(...reasonOption)
    .allowUnknownOption() // a refresh token may begin with a hyphen
    .action(async (given, { reason, ...format }) => {
      const token = await readToken(given)
      const act = { actor: actor(), reason }
      await withServices(async ({ revocations, longestTokenSeconds }, context) => {
        const { target, revoked, sentence, ended } = token.includes('.')
          ? await revokeJwt(token, act, { revocations, context })
          : await revokeGrantOf(token, act, { revocations, context })
        const about = { reason, longestSeconds: await longestTokenSeconds() }
        const document = {
          ...target,
          revoked: revoked !== undefined,
          ...(revoked ? toRevokedDocument(revoked, about) : { note: sentence }),
        }
        await print(format, document, () =>
          revoked ? [sentence, describeRevoked(revoked, about, ended)].join('\n') : sentence,
        )
      })
    })
}

async function revokeJwt(
  token: string,
  act: Act,
  { revocations, context }: { revocations: Revocations; context: CommandContext },
): Promise<Outcome> {
  const { kind, key, payload, checks } = await reportOnJwt(token, context)
  const failed = checks.filter(({ passed }) => !passed)
  const isPast = ({ name }: { name: string }) =>
    name === 'expiry' || name === 'revocation' || (name === 'key' && key !== undefined)
  const fault = failed.find((check) => !isPast(check))
  if (fault)
    throw new Refusal(
      `This is no token of this issuer, by its ${fault.name}: ${fault.text.replace(/\.$/, '')}.`,
    )
  if (kind !== 'access_token')
    throw new Refusal(
      'This is an ID token, which opens nothing. Revoke its session (claviger sessions revoke SID) or its user.',
    )
  const target = { kind, jti: String(payload?.['jti']) }
  if (failed.length > 0) {
    const why = failed.map(({ name, text }) => `${name}: ${text}`).join('; ')
    return { target, sentence: `Nothing to do, as this access token counts no more. ${why}` }
  }
  const revoked = await revocations.revokeToken(target.jti, act)
  return {
    target,
    revoked,
    sentence: `Revoked the access token ${target.jti}.`,
    ended: 'this token alone; its session and its refresh token go on',
  }
}

async function revokeGrantOf(
  token: string,
  act: Act,
  { revocations, context }: { revocations: Revocations; context: CommandContext },
): Promise<Outcome> {
  const families = await openFamilies(context)
  const family = await families?.find(token)
  if (!family)
    throw new Refusal(
      'This is neither a JWT nor a refresh token of this issuer, or one that expired long ago.',
    )
  const target = { kind: 'refresh_token', grant_id: family.grantId } as const
  const why = whyEnded(family, context.clock.now())
  if (why !== undefined)
    return { target, sentence: `Nothing to do, as this refresh token counts no more: ${why}.` }
  const revoked = await revocations.revokeGrant(family.grantId, act)
  return {
    target,
    revoked,
    sentence: `Revoked the grant ${family.grantId}: all its refresh and access tokens.`,
  }
}
