/** Middleware for Express and whatever else speaks Connect: a token is needed from here on. Needs no Express itself. */
import { VerificationError } from './errors.ts'
import { createGuard, readTarget, type AdapterOptions, type NodeRequest } from './node-request.ts'
import {
  metadataHeaders,
  metadataUrlOf,
  protectedResourceMetadata,
  type ResourceOptions,
} from './protected-resource.ts'
import type { VerifiedToken, Verifier } from './verifier.ts'

export type { AdapterOptions } from './node-request.ts'

declare global {
  namespace Express {
    interface Request {
      /** The verified token, behind `requireToken`. */
      auth?: VerifiedToken
    }
  }
}

/** What of a ServerResponse is used. */
export interface NodeResponse {
  statusCode: number
  setHeader(name: string, value: string): unknown
  end(body?: string): unknown
}

export type Middleware = (
  request: NodeRequest & { auth?: VerifiedToken },
  response: NodeResponse,
  next: (error?: unknown) => void,
) => Promise<void> | void

/** Lets requests with a good token through, as `request.auth`; answers the others. */
export function requireToken(
  verifier: Pick<Verifier, 'verify'>,
  { passErrors = false, ...options }: AdapterOptions = {},
): Middleware {
  const guard = createGuard(verifier, options)

  return async (request, response, next) => {
    try {
      request.auth = await guard.authenticate(request)
    } catch (error) {
      if (!(error instanceof VerificationError)) return next(error)
      const { status, headers, body } = guard.answerTo(error, request)
      send(response, status, headers)
      if (passErrors) return next(error)
      response.end(JSON.stringify(body))
      return
    }
    next()
  }
}

/** Serves the metadata of the API (RFC 9728) below `/.well-known/oauth-protected-resource`. Belongs before `requireToken`. */
export function serveMetadata(
  verifier: Pick<Verifier, 'issuer' | 'audience'>,
  options?: ResourceOptions,
): Middleware {
  const metadata = protectedResourceMetadata(verifier, options)
  const { pathname } = new URL(metadataUrlOf(metadata.resource))
  const body = JSON.stringify(metadata)

  return (request, response, next) => {
    const isAsked =
      ['GET', 'HEAD'].includes(request.method ?? '') &&
      readTarget(request).split('?', 1)[0] === pathname
    if (!isAsked) return next()
    send(response, 200, metadataHeaders)
    response.end(body)
  }
}

function send(response: NodeResponse, status: number, headers: Record<string, string>): void {
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
}
