/** JWT bearer grant (RFC 7523 §2.1): an issuer that the client is registered with says who the user is. */
import { randomUUID } from 'node:crypto'
import type { AssertionStore } from '../client-auth/store.ts'
import { requireAllowedScope } from '../clients/allowed-scope.ts'
import type { Clock } from '../database/clock.ts'
import { OAuthError } from '../protocol/errors.ts'
import { addSeconds } from '../protocol/instants.ts'
import { parseScope, refuseIssuerScopes } from '../protocol/scopes.ts'
import type { IssueInstants } from '../tokens/issue-instant.ts'
import type { TokenIssuer } from '../tokens/issuer.ts'
import type { Subjects } from '../tokens/subjects.ts'
import type { Targets } from '../tokens/targets.ts'
import type { Accounts } from '../users/accounts.ts'
import { readAssertion, refuseAssertion, type Assertion } from './assertion.ts'
import { tokenResponse, type GrantType } from './grant-type.ts'

export function jwtBearer({
  assertions,
  assertionAudiences,
  accounts,
  subjects,
  targets,
  issueInstants,
  issuer,
  skewSeconds,
  signUp,
  clock,
}: {
  assertions: AssertionStore
  /** What an assertion may call us (RFC 7523 §3): the issuer, or the token endpoint. */
  assertionAudiences: readonly string[]
  accounts: Pick<Accounts, 'findBy'>
  subjects: Pick<Subjects, 'record'>
  targets: Pick<Targets, 'resolve'>
  issueInstants: IssueInstants
  issuer: Pick<TokenIssuer, 'accessToken'>
  /** By how much an issuer's clock may differ from ours. */
  skewSeconds: number
  /** Whether people sign up by themselves, with any email. */
  signUp: boolean
  clock: Pick<Clock, 'now'>
}): GrantType {
  return {
    async exchange({ client, params, confirmation }) {
      const readAt = clock.now()
      const assertion = await readAssertion(params.require('assertion'), {
        issuers: client.metadata.assertion_issuers ?? [],
        audiences: assertionAudiences,
        skewSeconds,
        now: readAt,
      })
      const scope = parseScope(params.get('scope') ?? '')
      refuseScopesOfSignIns(scope)
      refuseIssuerScopes(scope)
      requireAllowedScope(client, scope)
      const target = await targets.resolve({ client, resources: params.all('resource'), scope })

      const named = await readOrigin(assertion)
      const subject = named && (await subjects.record(client, named.account.sub))
      const origin = subject === undefined ? named : await readOrigin(assertion)
      if (!origin)
        throw refuseAssertion(
          `Its sub is the ${assertion.subject.name} of no user here. Compare it with the client's assertion_issuers.`,
        )
      await consume(assertion)
      const issuedAt = await issueInstants.await(origin, {
        readAt,
        readAgain: () => readOrigin(assertion),
      })
      const { account } = origin
      const grant = { grantId: randomUUID(), sub: account.sub, subject }
      const user = { grant, account }
      const accessToken = await issuer.accessToken({ client, target, confirmation, issuedAt, user })
      return tokenResponse(accessToken, target, confirmation)
    },
  }

  /**
   * An assertion counts as a sign-in at its iat: one from before the user's last revocation is refused. Its issuer's clock may
   * be ahead, so whatever could be from before is as well.
   */
  async function readOrigin({ subject, issuedAt }: Assertion) {
    const account = await accounts.findBy(subject.name, subject.value)
    // Whoever signed up with somebody else's email is not whom the issuer means.
    if (signUp && subject.name === 'email' && !account?.emailVerified) return undefined
    return account && { account, authTime: new Date(issuedAt.getTime() - skewSeconds * 1000) }
  }

  async function consume({ hash, expiresAt }: Assertion): Promise<void> {
    const until = addSeconds(expiresAt, skewSeconds)
    if ((await assertions.consumeAssertion(hash, until)) === 'replayed')
      throw refuseAssertion('It was used before. Make a new one, with a jti of its own, each time.')
  }
}

/** Nobody signs in here: so there is no ID token, and each access token needs an assertion of its own. */
function refuseScopesOfSignIns(scope: readonly string[]): void {
  const name = scope.find((one) => one === 'openid' || one === 'offline_access')
  if (name !== undefined)
    throw new OAuthError(
      'invalid_scope',
      `The scope '${name}' is for users who sign in here: this grant gives neither ID tokens nor refresh tokens. Leave it out.`,
    )
}
