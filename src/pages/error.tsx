/** Sends an error to a person. */
import type { FastifyReply } from 'fastify'
import type { SendErrorPage } from '../http/error-handler.ts'
import type { Pages } from '../http/pages.ts'
import { loggedPath } from '../http/requests.ts'
import type { OAuthError } from '../protocol/errors.ts'
import { paths } from '../protocol/paths.ts'
import { ErrorPage, type ErrorKind } from './error-view.tsx'
import type { Site } from './layout.tsx'

export function sendErrorPage({ pages, site }: { pages: Pages; site: Site }): SendErrorPage {
  return (reply: FastifyReply, error: OAuthError) =>
    pages.send(
      reply,
      <ErrorPage
        site={site}
        kind={errorKindOf(error, loggedPath(reply.request.url))}
        status={error.status}
        code={error.code}
        description={error.description}
        requestId={reply.request.id}
      />,
    )
}

/** The kind of error page that a refusal gets, by where it happened and what it was. */
function errorKindOf(error: OAuthError, path: string): ErrorKind {
  if (error.code === 'invalid_redirect_uri') return 'redirect-uri'
  if (error.code === 'invalid_request_uri') return 'expired'
  if (error.code === 'not_found') return 'not-found'
  if (error.status === 503) return 'unavailable'
  if (error.status >= 500) return 'server-error'
  return path.endsWith(paths.logout) ? 'logout' : 'invalid-request'
}
