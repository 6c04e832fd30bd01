/** End session endpoint (OpenID Connect RP-Initiated Logout): at once for a valid hint, else after the person confirms. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  parseLogoutRequest,
  type LogoutRequest,
  type LogoutRequestDependencies,
} from '../authorization/logout-request.ts'
import type { BrowserSession } from '../http/browser-session.ts'
import type { Pages } from '../http/pages.ts'
import { anyParams } from '../http/requests.ts'
import { witnessOf } from '../http/witness.ts'
import type { Params } from '../protocol/params.ts'
import { paths } from '../protocol/paths.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import type { Accounts } from '../users/accounts.ts'
import type { Watch } from '../watch/watch.ts'
import { toClientView } from './interaction.ts'
import type { Site } from './layout.tsx'
import { nameOf } from './names.ts'
import { logoutPurpose } from './logout-form.ts'
import { LogoutPage } from './logout-view.tsx'

export interface LogoutDependencies extends LogoutRequestDependencies {
  pages: Pages
  site: Site
  browserSession: BrowserSession
  sessions: Pick<Sessions, 'endBySid'>
  accounts: Pick<Accounts, 'findBySub'>
  watch: Watch
}

/** What a confirmation carries on of the request. */
const carried = new Set(['client_id', 'id_token_hint', 'post_logout_redirect_uri', 'state'])

export function registerLogout(app: FastifyInstance, dependencies: LogoutDependencies): void {
  const { pages, site, browserSession, sessions, accounts, watch } = dependencies

  app.route({
    method: ['GET', 'POST'],
    url: paths.logout,
    config: { isPage: true },
    async handler(request, reply) {
      const params = anyParams(request).refuseDuplicates()
      const logout = await parseLogoutRequest(params, dependencies)
      const session = await browserSession.find(request)
      const isOwnForm =
        request.method === 'POST' && browserSession.isOwnForm(request, params, logoutPurpose)

      if (isOwnForm && params.get('decision') === 'no')
        return reply.redirect(pages.pathOf('home'), 303)
      if (isOwnForm || (session && isHinted(session, logout))) {
        await browserSession.end(request, reply)
        // The ID token may be of an earlier session of the same person, whose clients are to be told as well.
        if (logout.hint && logout.hint.sub === session?.sub && logout.hint.sid !== session.sid)
          await sessions.endBySid(logout.hint)
        if (session) witnessOf(request, watch).record({ type: 'logout', ...session })
        return leave(reply, logout)
      }
      // A form posted by another site comes without our cookie (SameSite=Lax); its hint still names the session.
      if (!session && logout.hint) {
        if (logout.hint.isRevoked) return leave(reply, logout)
        await sessions.endBySid(logout.hint)
        witnessOf(request, watch).record({
          type: 'logout',
          sub: logout.hint.sub,
          sid: logout.hint.sid,
        })
        return leave(reply, logout)
      }
      if (!session && request.method === 'GET') return leave(reply, logout)
      return confirm(request, reply, { params, logout, session })
    },
  })

  function leave(reply: FastifyReply, { returnTo }: LogoutRequest): FastifyReply {
    return reply.redirect(returnTo ?? pages.pathOf('loggedOut'), 303)
  }

  async function confirm(
    request: FastifyRequest,
    reply: FastifyReply,
    {
      params,
      logout,
      session,
    }: { params: Params; logout: LogoutRequest; session: Session | undefined },
  ): Promise<FastifyReply> {
    const account = session && (await accounts.findBySub(session.sub))
    return pages.send(
      reply,
      <LogoutPage
        site={site}
        action={pages.pathOf('logout')}
        csrf={browserSession.formToken(request, reply, logoutPurpose)}
        parameters={params.entries().filter(([name]) => carried.has(name))}
        account={session && nameOf(account, session)}
        client={logout.client && toClientView(logout.client)}
      />,
      'interactionPage',
    )
  }
}

function isHinted(session: Session, { hint }: LogoutRequest): boolean {
  return hint !== undefined && !hint.isRevoked && hint.sub === session.sub
}
