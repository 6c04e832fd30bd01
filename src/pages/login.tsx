/** Login page: username or email, and password. Saves a session and returns to where the person came from. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { PendingRequests } from '../authorization/pending-requests.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import type { Clock } from '../database/clock.ts'
import type { BrowserSession } from '../http/browser-session.ts'
import type { Pages } from '../http/pages.ts'
import type { RateLimits } from '../http/rate-limits.ts'
import { formParams, queryParams } from '../http/requests.ts'
import { witnessOf } from '../http/witness.ts'
import { OAuthError } from '../protocol/errors.ts'
import { paths } from '../protocol/paths.ts'
import type { Accounts } from '../users/accounts.ts'
import type { Watch } from '../watch/watch.ts'
import { finishSignIn } from './finish-sign-in.ts'
import { findInteraction, loginHintOf, resumePath } from './interaction.ts'
import type { Interaction } from './interaction.ts'
import type { Site } from './layout.tsx'
import { LoginPage, type LoginProblem } from './login-view.tsx'

const formPurpose = 'login'

export interface LoginDependencies {
  pages: Pages
  site: Site
  browserSession: BrowserSession
  pendingRequests: Pick<PendingRequests, 'find' | 'setDecision' | 'setSignIn'>
  clients: Pick<ClientRegistry, 'find'>
  accounts: Pick<Accounts, 'authenticate'>
  rateLimits: RateLimits
  clock: Pick<Clock, 'now'>
  watch: Watch
  /** Whether people may create accounts themselves. */
  signUp: boolean
}

export function registerLogin(app: FastifyInstance, dependencies: LoginDependencies): void {
  const { pages, site, browserSession, pendingRequests, accounts, rateLimits, clock, watch } =
    dependencies

  app.get(paths.login, { config: { isPage: true } }, async (request, reply) => {
    const reference = queryParams(request).get('request')
    const interaction = await findInteraction(reference, dependencies)
    return show(request, reply, { reference, interaction, username: loginHintOf(interaction) })
  })

  app.post(paths.login, { config: { isPage: true } }, async (request, reply) => {
    const form = formParams(request).refuseDuplicates()
    const reference = form.get('request')
    const interaction = await findInteraction(reference, dependencies)
    const username = form.get('username') ?? ''
    const problem = (kind: 'rejected' | 'expired' | 'busy') => ({
      reference,
      interaction,
      username,
      problem: { kind },
    })

    if (!browserSession.isOwnForm(request, form, formPurpose))
      return show(request, reply.code(403), problem('expired'))
    if (interaction && form.get('decision') === 'deny') {
      await pendingRequests.setDecision(interaction.reference, { answer: 'denied', sub: '' })
      return reply.redirect(resumePath(pages, interaction), 303)
    }
    const witness = witnessOf(request, watch)
    const attempt = { address: request.ip, identifier: username }
    const limit = await rateLimits.loginAttempt(attempt)
    if (!limit.allowed) {
      witness.record({ type: 'login.failed', details: { reason: 'rate-limited' } })
      reply.code(429).header('retry-after', String(limit.retryAfterSeconds))
      return show(request, reply, {
        reference,
        interaction,
        username,
        problem: { kind: 'rate-limited', retryAfterSeconds: limit.retryAfterSeconds },
      })
    }

    const authTime = clock.now()
    const account = await authenticate(username, form.get('password') ?? '')
    if (account === 'busy')
      return show(request, reply.code(503).header('retry-after', '2'), problem('busy'))
    if (!account) {
      await rateLimits.recordFailure(attempt)
      witness.record({ type: 'login.failed', details: { reason: 'rejected' } })
      return show(request, reply.code(401), problem('rejected'))
    }
    await rateLimits.recordSuccess(attempt)
    const signedIn = { account, authTime, reference, interaction }
    return finishSignIn(request, reply, signedIn, dependencies)
  })

  function show(
    request: FastifyRequest,
    reply: FastifyReply,
    view: {
      reference: string | undefined
      interaction: Interaction | undefined
      username?: string | undefined
      problem?: LoginProblem
    },
  ): FastifyReply {
    return pages.send(
      reply,
      <LoginPage
        site={site}
        action={pages.pathOf('login')}
        csrf={browserSession.formToken(request, reply, formPurpose)}
        request={view.reference ?? ''}
        client={view.interaction?.clientView}
        signUpUrl={
          dependencies.signUp
            ? pages.pathOf(
                'createAccount',
                view.reference ? { request: view.reference } : undefined,
              )
            : undefined
        }
        username={view.username}
        problem={view.problem}
      />,
      'interactionPage',
    )
  }

  async function authenticate(username: string, password: string) {
    try {
      return await accounts.authenticate(username, password)
    } catch (error) {
      if (error instanceof OAuthError && error.code === 'temporarily_unavailable') return 'busy'
      throw error
    }
  }
}
