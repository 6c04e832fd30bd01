/** What follows when a person has proven who they are: a session, and the way to where they came from. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { PendingRequests } from '../authorization/pending-requests.ts'
import type { BrowserSession } from '../http/browser-session.ts'
import type { Pages } from '../http/pages.ts'
import { witnessOf } from '../http/witness.ts'
import type { Account } from '../users/accounts.ts'
import type { Watch } from '../watch/watch.ts'
import { pathAfterLogin, type Interaction } from './interaction.ts'

export async function finishSignIn(
  request: FastifyRequest,
  reply: FastifyReply,
  {
    account: { sub, revokedAt },
    authTime,
    reference,
    interaction,
  }: {
    account: Account
    /** From before the proof was looked at. */
    authTime: Date
    reference: string | undefined
    interaction: Interaction | undefined
  },
  {
    pages,
    browserSession,
    pendingRequests,
    watch,
  }: {
    pages: Pages
    browserSession: Pick<BrowserSession, 'start'>
    pendingRequests: Pick<PendingRequests, 'setSignIn'>
    watch: Watch
  },
): Promise<FastifyReply> {
  const sid = await browserSession.start(request, reply, {
    sub,
    amr: ['pwd'],
    authTime,
    after: [revokedAt, interaction?.pending.createdAt],
  })
  if (interaction) await pendingRequests.setSignIn(interaction.reference, sid)
  witnessOf(request, watch).record({ type: 'login.succeeded', sub, sid })
  return reply.redirect(pathAfterLogin(pages, { reference, interaction }), 303)
}
