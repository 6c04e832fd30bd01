/**
 * Sign-up page (Initiating User Registration via OpenID Connect 1.0), where CLAVIGER_SIGN_UP is on. Whoever tries an address
 * learns whether it has an account, as on every such page without a mail in between; the limit on tries bounds that.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { PendingRequests } from '../authorization/pending-requests.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import type { Clock } from '../database/clock.ts'
import type { BrowserSession } from '../http/browser-session.ts'
import type { Pages } from '../http/pages.ts'
import type { RateLimits } from '../http/rate-limits.ts'
import { formParams, queryParams } from '../http/requests.ts'
import { OAuthError } from '../protocol/errors.ts'
import { paths } from '../protocol/paths.ts'
import { Refusal } from '../protocol/refusal.ts'
import type { UserActs } from '../revocation/user-acts.ts'
import { checkNewAccount, type NewAccount } from '../users/new-account.ts'
import type { Watch } from '../watch/watch.ts'
import { CreateAccountPage, type SignUpProblem } from './create-account-view.tsx'
import { finishSignIn } from './finish-sign-in.ts'
import { findInteraction, loginHintOf, type Interaction } from './interaction.ts'
import type { Site } from './layout.tsx'

const formPurpose = 'create-account'

export interface CreateAccountDependencies {
  pages: Pages
  site: Site
  browserSession: BrowserSession
  pendingRequests: Pick<PendingRequests, 'find' | 'setSignIn'>
  clients: Pick<ClientRegistry, 'find'>
  userActs: Pick<UserActs, 'signUp'>
  rateLimits: Pick<RateLimits, 'signUpAttempt'>
  clock: Pick<Clock, 'now'>
  watch: Watch
}

export function registerCreateAccount(
  app: FastifyInstance,
  dependencies: CreateAccountDependencies,
): void {
  const { pages, site, browserSession, rateLimits, clock } = dependencies

  app.get(paths.createAccount, { config: { isPage: true } }, async (request, reply) => {
    const reference = queryParams(request).get('request')
    const interaction = await findInteraction(reference, dependencies)
    return show(request, reply, { reference, interaction, email: loginHintOf(interaction) })
  })

  app.post(paths.createAccount, { config: { isPage: true } }, async (request, reply) => {
    const form = formParams(request).refuseDuplicates()
    const reference = form.get('request')
    const interaction = await findInteraction(reference, dependencies)
    const [email, name, password] = ['email', 'name', 'password'].map((field) => form.get(field))
    const given = { email: email ?? '', name, password: password ?? '' }
    const showProblem = (status: number, problem: SignUpProblem) =>
      show(request, reply.code(status), { reference, interaction, email, name, problem })

    if (!browserSession.isOwnForm(request, form, formPurpose))
      return showProblem(403, { kind: 'expired' })
    const { faults } = checkNewAccount(given)
    if (faults.length > 0) return showProblem(400, { kind: 'faults', faults })
    const limit = await rateLimits.signUpAttempt(request.ip)
    if (!limit.allowed) {
      const { retryAfterSeconds } = limit
      reply.header('retry-after', String(retryAfterSeconds))
      return showProblem(429, { kind: 'rate-limited', retryAfterSeconds })
    }

    const authTime = clock.now()
    const account = await signUp(given)
    if (account === 'taken') return showProblem(409, { kind: 'taken' })
    if (account === 'busy') {
      reply.header('retry-after', '2')
      return showProblem(503, { kind: 'busy' })
    }
    const signedIn = { account, authTime, reference, interaction }
    return finishSignIn(request, reply, signedIn, dependencies)
  })

  function show(
    request: FastifyRequest,
    reply: FastifyReply,
    view: {
      reference: string | undefined
      interaction: Interaction | undefined
      email?: string | undefined
      name?: string | undefined
      problem?: SignUpProblem
    },
  ): FastifyReply {
    const { reference, interaction, email, name, problem } = view
    return pages.send(
      reply,
      <CreateAccountPage
        site={site}
        action={pages.pathOf('createAccount')}
        csrf={browserSession.formToken(request, reply, formPurpose)}
        request={reference ?? ''}
        client={interaction?.clientView}
        signInUrl={pages.pathOf('login', reference ? { request: reference } : undefined)}
        email={email}
        name={name}
        problem={problem}
      />,
      'interactionPage',
    )
  }

  async function signUp(given: NewAccount) {
    try {
      return await dependencies.userActs.signUp(given)
    } catch (error) {
      if (error instanceof Refusal) return 'taken' // nothing else is left to refuse
      if (error instanceof OAuthError && error.code === 'temporarily_unavailable') return 'busy'
      throw error
    }
  }
}
