/** Sends an authorization response through the browser by POST (OAuth 2.0 Form Post Response Mode). */
import type { FastifyReply } from 'fastify'
import type { Pages } from '../http/pages.ts'
import { FormPostPage } from './form-post-view.tsx'
import type { Site } from './layout.tsx'

export function sendFormPost(
  reply: FastifyReply,
  {
    pages,
    site,
    action,
    fields,
  }: { pages: Pages; site: Site; action: string; fields: [string, string][] },
): FastifyReply {
  return pages.send(
    reply,
    <FormPostPage site={site} redirectUri={action} parameters={fields} />,
    'formPostPage',
  )
}
