/** claviger tokens: what a token says, whether it counts, and that it does no more. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { subjectOf } from '../tokens/grant.ts'
import type { RefreshFamily } from '../tokens/refresh-families.ts'
import type { Account } from '../users/accounts.ts'
import { addCommand, addNoun } from './command.ts'
import { fields, indent, print, type Format } from './output.ts'
import { whenAndHow } from './time.ts'
import { openFamilies, readToken, reportOnJwt } from './token-input.ts'
import { toDate, type TokenReport } from './token-report.ts'
import { addRevoke } from './tokens-revoke.ts'
import { withDatabase, type CommandContext } from './with-database.ts'

const examples = [
  'claviger tokens inspect - < token.txt',
  'claviger tokens inspect eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCIs… --json',
]

export function addTokens(program: CommandUnknownOpts): void {
  const tokens = addNoun(program, 'tokens', {
    description: 'what a token says, and whether it counts',
    examples: [...examples, 'claviger tokens revoke - < token.txt'],
  })
  addRevoke(tokens)

  addCommand(tokens, 'inspect <token>', {
    description:
      'decode an access or ID token and check its key, signature, issuer, expiry and revocation; tell whether a refresh token is live',
    examples,
    notes: [
      'With - the token is read from standard input, where nobody else on this machine',
      'sees it.',
      'Exits with 0 if the token is valid, else with 1.',
    ],
  })
    .allowUnknownOption() // a refresh token may begin with a hyphen
    .action(async (given, format) => {
      const token = await readToken(given)
      await withDatabase(async (context) => {
        const valid = token.includes('.')
          ? await inspectJwt(token, format, context)
          : await inspectOpaque(token, format, context)
        if (!valid) process.exitCode = 1
      })
    })
}

async function inspectJwt(
  token: string,
  format: Format,
  context: CommandContext,
): Promise<boolean> {
  const report = await reportOnJwt(token, context)
  await print(format, toDocument(report), () => describeReport(report, context.clock.now()))
  return report.valid
}

async function inspectOpaque(
  token: string,
  format: Format,
  context: CommandContext,
): Promise<boolean> {
  const families = await openFamilies(context)
  const family = await families?.findLive(token)
  const now = context.clock.now()
  await print(format, family ? toFamilyDocument(family) : { kind: 'unknown', valid: false }, () =>
    family
      ? describeFamily(family, now)
      : 'Not valid: neither a JWT nor a live refresh token of this issuer.\n' +
        'If it was a refresh token once, it has expired, was used before or was revoked.',
  )
  return family !== undefined
}

function toDocument(report: TokenReport) {
  const { kind, valid, header, payload, key, revokedBy, account, checks } = report
  return {
    kind,
    valid,
    checks,
    key: key ? { kid: key.kid, alg: key.alg, state: key.state, since: key.since } : null,
    user: account?.sub ?? null,
    issued_at: toDate(payload?.['iat']) ?? null,
    expires_at: toDate(payload?.['exp']) ?? null,
    revoked_by: revokedBy.map(({ kind: subject, id, notBefore }) => ({
      kind: subject,
      id,
      not_before: new Date(notBefore * 1000),
    })),
    header: header ?? null,
    payload: payload ?? null,
  }
}

function describeReport(
  { kind, valid, header, payload, account, checks }: TokenReport,
  now: Date,
): string {
  const name = { access_token: 'access token', id_token: 'ID token', unknown: 'token' }[kind]
  const issued = toDate(payload?.['iat'])
  const rows = checks.map(
    (check) => [`${check.passed ? '✓' : '✗'} ${check.name}`, check.text] as const,
  )
  return [
    valid ? `A valid ${name}` : `This ${name} is not valid`,
    '',
    fields([
      ...rows,
      ['  issued', issued && whenAndHow(issued, now)],
      ['  user', account && nameOf(account)],
    ]),
    ...describePart('header', header),
    ...describePart('payload', payload),
  ].join('\n')
}

function describePart(name: string, part: object | undefined): string[] {
  return part ? ['', name, indent(JSON.stringify(part, null, 2))] : []
}

function nameOf({ email, username, sub }: Account): string {
  return `${email ?? username} (${sub})`
}

function toFamilyDocument(family: RefreshFamily) {
  return {
    kind: 'refresh_token',
    valid: true,
    user: family.sub,
    sub: subjectOf(family),
    client_id: family.clientId,
    scope: family.scope.join(' '),
    resources: family.resources,
    sid: family.sid,
    grant_id: family.grantId,
    generation: family.generation,
    auth_time: family.authTime,
    rotated_at: family.rotatedAt,
    expires_at: family.expiresAt,
  }
}

function describeFamily(family: RefreshFamily, now: Date): string {
  const { account } = family
  return [
    'A live refresh token',
    '',
    fields([
      ['user', nameOf(account)],
      ['client', family.clientId],
      ['scope', family.scope.join(' ')],
      ['resources', family.resources.join('\n') || undefined],
      ['signed in', whenAndHow(family.authTime, now)],
      ['rotated', whenAndHow(family.rotatedAt, now)],
      ['expires', whenAndHow(family.expiresAt, now)],
    ]),
  ].join('\n')
}
