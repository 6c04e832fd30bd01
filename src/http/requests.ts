/** What arrives: the parameters of a query or form, and what the log may say of a request. */
import type { FastifyRequest } from 'fastify'
import { Params, parseParams } from '../protocol/params.ts'

/** The query as received; it is parsed where its faults can be answered properly. */
export type RawQuery = { text: string }

export type ParsedForm = { params: Params }

export function queryParams(request: FastifyRequest): Params {
  return parseParams((request.query as RawQuery).text)
}

/** The form of a POST; a body without any parameter is an empty form. */
export function formParams(request: FastifyRequest): Params {
  return (request.body as ParsedForm | undefined)?.params ?? new Params()
}

/** A query or a form, by the request's method: for endpoints that take either. */
export function anyParams(request: FastifyRequest): Params {
  return request.method === 'POST' ? formParams(request) : queryParams(request)
}

/** The path alone: a query may hold codes, hints and other personal things that have no place in a log. */
export function loggedPath(url: string): string {
  return url.split('?', 1)[0]!
}
