/** The one writer of errors: JSON for machines, a page for people, the whole story for the log. All carry the request id. */
import type {
  ConnectionError,
  FastifyBaseLogger,
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
} from 'fastify'
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { DatabaseUnavailable } from '../database/database.ts'
import { OAuthError } from '../protocol/errors.ts'
import { Refusal } from '../protocol/refusal.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether a person looks at the answers of this route. */
    isPage?: boolean
  }
}

export type SendErrorPage = (reply: FastifyReply, error: OAuthError) => FastifyReply

export function registerErrorHandler(
  app: FastifyInstance,
  { sendErrorPage }: { sendErrorPage: SendErrorPage },
): void {
  function answer(request: FastifyRequest, reply: FastifyReply, error: OAuthError): FastifyReply {
    logRefusal(request, error)
    reply.code(error.status).headers(error.headers)
    if (isForPerson(request)) return sendErrorPage(reply, error)
    return reply.send(toErrorJson(error, request.id))
  }

  app.setErrorHandler((error: FastifyError, request, reply) =>
    answer(request, reply, toOAuthError(error)),
  )

  app.setNotFoundHandler((request, reply) => {
    const allowed = allowedMethods(app, request)
    const error =
      allowed.length > 0
        ? new OAuthError('method_not_allowed', `Use ${allowed.join(' or ')} here.`, {
            headers: { allow: allowed.join(', ') },
          })
        : new OAuthError(
            'not_found',
            'There is nothing at this address. The discovery document lists what there is.',
          )
    return answer(request, reply, error)
  })
}

/** A path that cannot be decoded, before there is a route. */
export function answerBadUrl(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const refusal = fromFramework(error)
  logRefusal(request, refusal)
  void reply
    .code(refusal.status)
    .headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    })
    .send(toErrorJson(refusal, request.id))
}

/** What Node cannot parse as HTTP has no request: the answer is written by hand, and so is the log line. */
export function createBrokenRequestHandler(log: FastifyBaseLogger) {
  return (error: ConnectionError, socket: Socket): void => {
    if (!socket.writable || error.code === 'ECONNRESET') return
    const [status, reason] = brokenRequests[error.code] ?? [
      '400 Bad Request',
      'This is not a well-formed HTTP/1.1 request.',
    ]
    const refusal = new OAuthError('invalid_request', reason, { detail: error.code })
    const requestId = createRequestId()
    logRefusal({ log: log.child({ reqId: requestId }) }, refusal)
    const body = JSON.stringify(toErrorJson(refusal, requestId))
    socket.end(
      `HTTP/1.1 ${status}\r\nx-request-id: ${requestId}\r\ncache-control: no-store\r\n` +
        `content-type: application/json; charset=utf-8\r\ncontent-length: ${body.length}\r\n` +
        `connection: close\r\n\r\n${body}`,
    )
  }
}

const brokenRequests: Record<string, [status: string, description: string]> = {
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    'The headers are larger than 16 KiB.',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request did not arrive in time.'],
}

export function createRequestId(): string {
  return randomBytes(9).toString('base64url')
}

/** RFC 6749 §5.2, and the request id that the log has. */
function toErrorJson(error: OAuthError, requestId: string): Record<string, string> {
  return { error: error.code, error_description: error.description, request_id: requestId }
}

/** One log line per refusal; its level follows from whose fault it is. */
export function logRefusal(request: Pick<FastifyRequest, 'log'>, error: OAuthError): void {
  const level = error.status >= 500 ? 'error' : 'info'
  request.log[level](
    {
      error: error.code,
      description: error.description,
      ...(error.detail !== undefined && { detail: error.detail }),
      ...(error.cause !== undefined && { err: error.cause }),
    },
    'refused',
  )
}

function isForPerson(request: FastifyRequest): boolean {
  if (request.is404) return (request.headers.accept ?? '').includes('text/html')
  return request.routeOptions.config.isPage === true
}

export function toOAuthError(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error
  if (error instanceof DatabaseUnavailable)
    return new OAuthError(
      'temporarily_unavailable',
      'The service cannot reach its database. Try again in a few seconds.',
      { headers: { 'retry-after': '5' }, cause: error },
    )
  const status = (error as Partial<FastifyError>).statusCode
  if (error instanceof Refusal || status === undefined || status >= 500)
    return new OAuthError('server_error', 'Something went wrong on our side. Try again later.', {
      cause: error,
    })
  return fromFramework(error as FastifyError)
}

/** Faults that Fastify finds before a route runs: bad paths, bodies that are too large or of another type. */
function fromFramework(error: FastifyError): OAuthError {
  const [status, description] = frameworkFaults[error.code] ?? [
    400,
    'The request is malformed. Check its path, headers and body.',
  ]
  return new OAuthError('invalid_request', description, { status, detail: error.code })
}

const frameworkFaults: Record<string, [status: number, description: string]> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [400, 'Send the body as application/x-www-form-urlencoded.'],
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'The body is too large. Send at most 64 KiB.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'The Content-Length does not match the body.'],
}

function allowedMethods(app: FastifyInstance, request: FastifyRequest): string[] {
  const url = request.url.split('?', 1)[0]!
  return ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'].filter((method) => {
    try {
      return app.findRoute({ method, url }) !== null
    } catch {
      return false
    }
  })
}
