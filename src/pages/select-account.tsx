/** The page of prompt=select_account (OpenID Connect Core §3.1.2.1). Saves the choice and returns to the authorize endpoint. */
import type { FastifyInstance } from 'fastify'
import type { PendingRequests } from '../authorization/pending-requests.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import type { BrowserSession } from '../http/browser-session.ts'
import type { Pages } from '../http/pages.ts'
import { formParams, queryParams } from '../http/requests.ts'
import { paths } from '../protocol/paths.ts'
import type { Session } from '../sessions/sessions.ts'
import type { Accounts } from '../users/accounts.ts'
import { getInteraction, resumePath, type Interaction } from './interaction.ts'
import type { Site } from './layout.tsx'
import { nameOf } from './names.ts'
import { SelectAccountPage } from './select-account-view.tsx'

export interface SelectAccountDependencies {
  pages: Pages
  site: Site
  browserSession: BrowserSession
  pendingRequests: Pick<PendingRequests, 'find' | 'setSelectedAccount'>
  clients: Pick<ClientRegistry, 'find'>
  accounts: Pick<Accounts, 'findBySub'>
}

export function registerSelectAccount(
  app: FastifyInstance,
  dependencies: SelectAccountDependencies,
): void {
  const { pages, site, browserSession, pendingRequests, accounts } = dependencies

  app.get(paths.selectAccount, { config: { isPage: true } }, async (request, reply) => {
    const interaction = await getInteraction(queryParams(request).get('request'), dependencies)
    const session = await browserSession.find(request)
    if (!session) return reply.redirect(resumePath(pages, interaction), 303)
    const account = await accounts.findBySub(session.sub)
    return pages.send(
      reply,
      <SelectAccountPage
        site={site}
        action={pages.pathOf('selectAccount')}
        csrf={browserSession.formToken(request, reply, formPurpose(interaction, session))}
        request={interaction.reference}
        client={interaction.clientView}
        account={nameOf(account, session)}
      />,
      'interactionPage',
    )
  })

  app.post(paths.selectAccount, { config: { isPage: true } }, async (request, reply) => {
    const form = formParams(request).refuseDuplicates()
    const interaction = await getInteraction(form.get('request'), dependencies)
    const session = await browserSession.find(request)
    if (!session) return reply.redirect(resumePath(pages, interaction), 303)
    browserSession.requireOwnForm(request, form, formPurpose(interaction, session))
    const isThis = form.require('account') === 'this'
    await pendingRequests.setSelectedAccount(
      interaction.reference,
      isThis ? session.sid : 'another',
    )
    return reply.redirect(resumePath(pages, interaction), 303)
  })
}

/** The choice is of this session, for this request. */
function formPurpose({ reference }: Interaction, { sid }: Session): string {
  return `select-account:${reference}:${sid}`
}
