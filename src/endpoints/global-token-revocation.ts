/** Global Token Revocation (draft-parecki-oauth-global-token-revocation-06): another party ends all that a user holds. */
import type { FastifyInstance } from 'fastify'
import { toOAuthError } from '../http/error-handler.ts'
import { ofOtherType, requireJson, takeJson } from '../http/json-body.ts'
import { watched } from '../http/witness.ts'
import { OAuthError } from '../protocol/errors.ts'
import { paths } from '../protocol/paths.ts'
import { parseSubjectIdentifier, type SubjectIdentifier } from '../protocol/subject-identifier.ts'
import type { Revocations } from '../revocation/revocations.ts'
import type { Account, Accounts } from '../users/accounts.ts'
import type { Watch } from '../watch/watch.ts'
import { refuseToken } from './access-token.ts'
import { requireIssuerScope, type IssuerAudience } from './issuer-scope.ts'

/** §7.1: narrow, so that a token that carries it can do nothing else. */
const scope = 'global_token_revocation'

export interface GlobalTokenRevocationDependencies extends IssuerAudience {
  accounts: Pick<Accounts, 'find' | 'findBySubject'>
  revocations: Pick<Revocations, 'revokeUser'>
  issuer: string
  watch: Watch
}

export async function registerGlobalTokenRevocation(
  app: FastifyInstance,
  { accounts, revocations, issuer, watch, ...audience }: GlobalTokenRevocationDependencies,
): Promise<void> {
  await app.register(async (route) => {
    takeJson(route)
    route.post(
      paths.globalTokenRevocation,
      {
        // RFC 6750 §3: what is refused before the handler, such as a body of another type, has the challenge as well.
        errorHandler(error, _request, reply) {
          const refusal = ofOtherType(error) ?? toOAuthError(error)
          const { code, description } = refusal
          if (code === 'invalid_request') reply.headers(refuseToken(code, description).headers)
          throw refusal
        },
      },
      watched(watch, 'global-token-revocation', async (request, witness, reply) => {
        const { claims } = await requireIssuerScope(request, { ...audience, scope }, witness)
        const account = await findAccount(parseRequest(requireJson(request)))
        if (!account) throw new OAuthError('not_found', 'No user has this subject identifier.')
        await revocations.revokeUser(account.sub, {
          actor: `client:${claims.client_id}`,
          reason: 'global token revocation',
        })
        witness.record({ type: 'token.revoked', details: { kind: 'user' }, sub: account.sub })
        return reply.code(204).send()
      }),
    )
  })

  async function findAccount(subject: SubjectIdentifier): Promise<Account | undefined> {
    if (subject.format === 'email') return accounts.find(subject.email)
    if (subject.format === 'opaque') return accounts.findBySubject(subject.id)
    return subject.iss === issuer ? accounts.findBySubject(subject.sub) : undefined
  }
}

/** §3.2: a single property. */
function parseRequest(body: Record<string, unknown>): SubjectIdentifier {
  const names = Object.keys(body)
  if (names.length !== 1 || names[0] !== 'sub_id')
    throw new OAuthError('invalid_request', `The body must have the member 'sub_id' and no other.`)
  return parseSubjectIdentifier(body['sub_id'], 'sub_id')
}
