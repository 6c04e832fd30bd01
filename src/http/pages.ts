/** Sends pages: what every page shows of this site, and the headers that guard it. */
import type { FastifyReply } from 'fastify'
import type { VNode } from 'preact'
import { paths } from '../protocol/paths.ts'
import { htmlContentType, renderPage } from './html.ts'
import type { SecurityHeaders } from './security-headers.ts'

export interface Pages {
  send(
    reply: FastifyReply,
    page: VNode,
    guard?: 'page' | 'interactionPage' | 'formPostPage',
  ): FastifyReply
  /** The path of a page below the issuer's own. */
  pathOf(page: keyof typeof paths, query?: Record<string, string>): string
}

export function createPages({
  issuer,
  securityHeaders,
}: {
  issuer: string
  securityHeaders: SecurityHeaders
}): Pages {
  const basePath = basePathOf(issuer)
  return {
    send: (reply, page, guard = 'page') =>
      reply.headers(securityHeaders[guard]).type(htmlContentType).send(renderPage(page)),
    pathOf: (page, query) => {
      const search = query ? `?${new URLSearchParams(query).toString()}` : ''
      return `${basePath}${paths[page]}${search}`
    },
  }
}

/** The issuer's path without a closing slash; empty for most. */
export function basePathOf(issuer: string): string {
  return new URL(issuer).pathname.replace(/\/$/, '')
}
