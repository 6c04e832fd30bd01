/** Start page: who is signed in, and where the machines' documents are. */
import type { FastifyInstance } from 'fastify'
import type { BrowserSession } from '../http/browser-session.ts'
import type { Pages } from '../http/pages.ts'
import { paths } from '../protocol/paths.ts'
import type { Accounts } from '../users/accounts.ts'
import { HomePage, type HomeSession } from './home-view.tsx'
import type { Site } from './layout.tsx'
import { LoggedOutPage } from './logged-out-view.tsx'
import { logoutPurpose } from './logout-form.ts'

export interface HomeDependencies {
  pages: Pages
  site: Site
  browserSession: BrowserSession
  accounts: Pick<Accounts, 'findBySub'>
}

export function registerHome(
  app: FastifyInstance,
  { pages, site, browserSession, accounts }: HomeDependencies,
): void {
  app.get(paths.home, { config: { isPage: true } }, async (request, reply) => {
    const session = await browserSession.find(request)
    const account = session && (await accounts.findBySub(session.sub))
    const home: HomeSession | undefined = session && {
      account: account?.email ?? account?.username ?? session.sub,
      signOutAction: pages.pathOf('logout'),
      csrf: browserSession.formToken(request, reply, logoutPurpose),
    }
    return pages.send(
      reply,
      <HomePage
        site={site}
        discoveryUrl={pages.pathOf('openidConfiguration')}
        session={home}
        signInUrl={pages.pathOf('login')}
      />,
    )
  })

  app.get(paths.loggedOut, { config: { isPage: true } }, (_request, reply) =>
    pages.send(reply, <LoggedOutPage site={site} />),
  )
}
