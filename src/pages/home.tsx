/**
 * Start page: who is signed in, the applications that a sign-in can start from here (OpenID Connect Core §4), and where the
 * machines' documents are.
 */
import type { FastifyInstance } from 'fastify'
import type { Client, ClientRegistry } from '../clients/registry.ts'
import type { BrowserSession } from '../http/browser-session.ts'
import type { Pages } from '../http/pages.ts'
import { paths } from '../protocol/paths.ts'
import { withQuery } from '../protocol/redirect-uri.ts'
import type { Accounts } from '../users/accounts.ts'
import { HomePage, type Application, type HomeSession } from './home-view.tsx'
import { toClientView } from './interaction.ts'
import type { Site } from './layout.tsx'
import { nameOf } from './names.ts'
import { LoggedOutPage } from './logged-out-view.tsx'
import { logoutPurpose } from './logout-form.ts'

export interface HomeDependencies {
  pages: Pages
  site: Site
  browserSession: BrowserSession
  accounts: Pick<Accounts, 'findBySub'>
  clients: Pick<ClientRegistry, 'listStartable'>
}

export function registerHome(
  app: FastifyInstance,
  { pages, site, browserSession, accounts, clients }: HomeDependencies,
): void {
  app.get(paths.home, { config: { isPage: true } }, async (request, reply) => {
    const session = await browserSession.find(request)
    const [account, startable] = await Promise.all([
      session && accounts.findBySub(session.sub),
      session ? clients.listStartable(session.sub) : [],
    ])
    const home: HomeSession | undefined = session && {
      account: nameOf(account, session),
      signOutAction: pages.pathOf('logout'),
      csrf: browserSession.formToken(request, reply, logoutPurpose),
    }
    return pages.send(
      reply,
      <HomePage
        site={site}
        discoveryUrl={pages.pathOf('openidConfiguration')}
        session={home}
        applications={startable.flatMap((client) => toApplication(client, site.issuer))}
        signInUrl={pages.pathOf('login')}
      />,
    )
  })

  app.get(paths.loggedOut, { config: { isPage: true } }, (_request, reply) =>
    pages.send(reply, <LoggedOutPage site={site} />),
  )
}

/** Nobody is named: who is signed in is told to the application by the sign-in itself. */
function toApplication(client: Client, issuer: string): Application[] {
  const { initiate_login_uri: uri } = client.metadata
  if (uri === undefined) return []
  const url = new URL(uri)
  url.search = withQuery(url.search, [['iss', issuer]])
  return [{ client: toClientView(client), url: url.href }]
}
