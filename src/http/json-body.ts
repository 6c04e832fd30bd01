/** JSON bodies, for the few routes that take one: all others take forms. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { OAuthError } from '../protocol/errors.ts'
import { isPlainObject, type JsonObject } from '../protocol/json.ts'

/** A member of its own, so that nobody takes what a client sent for our form. */
interface JsonBody {
  json: JsonObject
}

/** For all routes of `app`, which should be a context of its own. */
export function takeJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    async (_request: FastifyRequest, text: string): Promise<JsonBody> => ({ json: parse(text) }),
  )
}

/** Refuses a request without a body. */
export function requireJson({ body }: { body: unknown }): JsonObject {
  if (isPlainObject(body)) return (body as unknown as JsonBody).json
  throw new OAuthError('invalid_request', 'The body is missing. Send a JSON object.')
}

/** The refusal of a body that is not JSON by its type; undefined when that is not the fault. */
export function ofOtherType(error: unknown): OAuthError | undefined {
  if ((error as { code?: unknown }).code !== 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return undefined
  return new OAuthError('invalid_request', 'Send the body as application/json.')
}

function parse(text: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new OAuthError('invalid_request', 'The body is not JSON. Send a JSON object.')
  }
  if (isPlainObject(value)) return value
  throw new OAuthError('invalid_request', 'The body is not a JSON object. Send one.')
}
