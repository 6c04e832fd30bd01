/** What a browser carries for us: the session cookie, and the anonymous one that its forms are bound to. */
import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { OAuthError } from '../protocol/errors.ts'
import type { Params } from '../protocol/params.ts'
import type { Authentication, Session, Sessions } from '../sessions/sessions.ts'
import type { Csrf, CsrfVerdict } from './csrf.ts'

export interface BrowserSession {
  find(request: FastifyRequest): Promise<Session | undefined>
  findWithConsent(
    request: FastifyRequest,
    clientId: string,
  ): ReturnType<Sessions['findWithConsent']>
  /** Answers the sid. */
  start(
    request: FastifyRequest,
    reply: FastifyReply,
    authentication: Authentication,
  ): Promise<string>
  end(request: FastifyRequest, reply: FastifyReply): Promise<void>
  /** A token for a form of this purpose, bound to this browser. */
  formToken(request: FastifyRequest, reply: FastifyReply, purpose: string): string
  /** Whether a form came from a page of ours in this browser. */
  isOwnForm(request: FastifyRequest, form: Params, purpose: string): boolean
  requireOwnForm(request: FastifyRequest, form: Params, purpose: string): void
}

export function createBrowserSession({
  sessions,
  csrf,
  issuer,
}: {
  sessions: Sessions
  csrf: Csrf
  issuer: string
}): BrowserSession {
  const { origin: issuerOrigin, protocol } = new URL(issuer)
  const secure = protocol === 'https:'
  // RFC 6265bis §4.1.3.2: the prefix keeps other hosts and plain http from setting the cookie.
  const prefix = secure ? '__Host-' : ''
  const sessionCookie = `${prefix}claviger-session`
  const browserCookie = `${prefix}claviger-browser`
  const attributes: CookieSerializeOptions = { path: '/', httpOnly: true, secure, sameSite: 'lax' }

  const secretOf = (request: FastifyRequest) => request.cookies[sessionCookie]

  const verify = (request: FastifyRequest, form: Params, purpose: string): CsrfVerdict =>
    csrf.verify({
      browserId: request.cookies[browserCookie],
      token: form.get('csrf'),
      origin: request.headers.origin,
      secFetchSite: request.headers['sec-fetch-site'],
      purpose,
      issuerOrigin,
    })

  return {
    find: (request) => sessions.find(secretOf(request)),
    findWithConsent: (request, clientId) => sessions.findWithConsent(secretOf(request), clientId),

    async start(request, reply, authentication) {
      const { secret, sid } = await sessions.start(authentication, secretOf(request))
      reply.setCookie(sessionCookie, secret, attributes)
      return sid
    },

    async end(request, reply) {
      const secret = secretOf(request)
      if (secret !== undefined) await sessions.end(secret)
      reply.clearCookie(sessionCookie, attributes)
    },

    formToken(request, reply, purpose) {
      const known = request.cookies[browserCookie]
      const { browserId, token } = csrf.issue(known, purpose)
      if (browserId !== known) reply.setCookie(browserCookie, browserId, attributes)
      return token
    },

    isOwnForm: (request, form, purpose) => verify(request, form, purpose) === 'ok',

    requireOwnForm(request, form, purpose) {
      const verdict = verify(request, form, purpose)
      if (verdict !== 'ok')
        throw new OAuthError(
          'invalid_request',
          'This form did not come from our page in this browser. Allow cookies, go back, reload the page and try again.',
          { status: 403, detail: `form token: ${verdict}` },
        )
    },
  }
}
