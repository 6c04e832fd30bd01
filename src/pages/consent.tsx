/** Consent page: what an application may have. Saves the answer and returns to the authorize endpoint. */
import type { FastifyInstance } from 'fastify'
import { consentRuleOf } from '../authorization/consent-rule.ts'
import type { PendingRequests } from '../authorization/pending-requests.ts'
import { resolveRecipient } from '../authorization/recipient.ts'
import { parseAuthorizationRequest } from '../authorization/request.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import type { Resources } from '../clients/resources.ts'
import type { Consents } from '../consents/consents.ts'
import type { BrowserSession } from '../http/browser-session.ts'
import type { Pages } from '../http/pages.ts'
import { formParams, queryParams } from '../http/requests.ts'
import { namesIn } from '../protocol/claims-request.ts'
import { Params } from '../protocol/params.ts'
import { paths } from '../protocol/paths.ts'
import type { Session } from '../sessions/sessions.ts'
import type { Accounts } from '../users/accounts.ts'
import { redirectTarget } from './client-view.tsx'
import { ConsentPage } from './consent-view.tsx'
import { getInteraction, resumePath, type Interaction } from './interaction.ts'
import type { Site } from './layout.tsx'
import { describeResources, nameOf } from './names.ts'

export interface ConsentDependencies {
  pages: Pages
  site: Site
  browserSession: BrowserSession
  pendingRequests: Pick<PendingRequests, 'find' | 'setDecision'>
  clients: Pick<ClientRegistry, 'find'>
  resources: Pick<Resources, 'find'>
  consents: Pick<Consents, 'grant'>
  accounts: Pick<Accounts, 'findBySub'>
}

export function registerConsent(app: FastifyInstance, dependencies: ConsentDependencies): void {
  const { pages, site, browserSession, pendingRequests, clients, consents } = dependencies

  app.get(paths.consent, { config: { isPage: true } }, async (request, reply) => {
    const interaction = await getInteraction(queryParams(request).get('request'), dependencies)
    const session = await browserSession.find(request)
    if (!session) return reply.redirect(resumePath(pages, interaction), 303)
    const asked = await askedFor(interaction)
    const [account, resources] = await Promise.all([
      dependencies.accounts.findBySub(session.sub),
      describeResources(dependencies.resources, asked.resources),
    ])
    return pages.send(
      reply,
      <ConsentPage
        site={site}
        action={pages.pathOf('consent')}
        csrf={browserSession.formToken(request, reply, formPurpose(interaction, session, asked))}
        request={interaction.reference}
        client={interaction.clientView}
        redirectHost={redirectTarget(asked.redirectUri)}
        account={nameOf(account, session)}
        scopes={asked.scope}
        claims={asked.claims}
        resources={resources}
        authorizationDetails={asked.authorizationDetails}
        isRemembered={asked.isRemembered}
      />,
      'interactionPage',
    )
  })

  app.post(paths.consent, { config: { isPage: true } }, async (request, reply) => {
    const form = formParams(request).refuseDuplicates()
    const interaction = await getInteraction(form.get('request'), dependencies)
    const session = await browserSession.find(request)
    if (!session) return reply.redirect(resumePath(pages, interaction), 303)
    const asked = await askedFor(interaction)
    browserSession.requireOwnForm(request, form, formPurpose(interaction, session, asked))

    const isAllowed = form.require('decision') === 'allow'
    if (isAllowed) {
      const { scope, resources, claims } = asked
      await consents.grant(session.sub, interaction.client.clientId, {
        scope,
        resources,
        claims,
      })
    }
    await pendingRequests.setDecision(interaction.reference, {
      answer: isAllowed ? 'allowed' : 'denied',
      sub: session.sub,
    })
    return reply.redirect(resumePath(pages, interaction), 303)
  })

  async function askedFor({ pending }: Interaction) {
    const params = new Params(pending.parameters)
    const recipient = await resolveRecipient(params, clients)
    const request = parseAuthorizationRequest(params, recipient)
    const { scope, resources, authorizationDetails = [] } = request
    const { client, redirectUri } = recipient
    return {
      scope,
      resources,
      claims: namesIn(request.claims),
      authorizationDetails,
      redirectUri,
      isRemembered: consentRuleOf(client, redirectUri, request) !== 'always',
    }
  }
}

/** The answer is this user's, to this request as the page told it: its client's registration may change meanwhile. */
function formPurpose({ reference }: Interaction, { sid }: Session, asked: object): string {
  return `consent:${reference}:${sid}:${JSON.stringify(asked)}`
}
