/**
 * What this server sends to others: every outgoing request goes through here. It connects only to an address that was
 * judged, follows no redirect, knows no proxy, and carries neither cookies nor credentials.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import {
  request as requestPlainly,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http'
import { request as requestSecurely } from 'node:https'
import type { LookupFunction } from 'node:net'
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls'
import { codeOf } from '../database/errors.ts'
import type { Destination, FindDestination } from './outgoing-address.ts'

export interface OutgoingOptions {
  findDestination: FindDestination
  /** Undefined: the certificate authorities that Node knows. */
  trust: SecureContext | undefined
  /** From the lookup of the host to the last byte read. */
  timeoutMilliseconds: number
  /** Under way at a time. What comes on top fails at once. */
  maxRequests: number
}

export interface OutgoingRequest {
  accept: string
  /** Sent by POST; without one it is a GET. */
  form?: Record<string, string>
  /** What is read of an answer at most. */
  maxBytes: number
}

export interface OutgoingAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  /** What is missing of the body, if anything is. */
  fault: string | undefined
}

/** The status is the answer, whatever becomes of the body. A failure is a few words, and none of those that were sent. */
export type Send = (
  uri: string,
  request: OutgoingRequest,
) => Promise<OutgoingAnswer | { failure: string }>

export function createSend({
  findDestination,
  trust,
  timeoutMilliseconds,
  maxRequests,
}: OutgoingOptions): Send {
  let underWay = 0
  const late = `no answer within ${timeoutMilliseconds / 1000} s`

  async function exchange(uri: string, request: OutgoingRequest, signal: AbortSignal) {
    const destination = await before(signal, findDestination(uri))
    if ('failure' in destination) return destination
    const response = await connect(destination, request, { trust, signal })
    const { statusCode: status = 0, headers } = response
    return { status, headers, ...(await readBody(response, request.maxBytes)) }
  }

  return async (uri, request) => {
    if (underWay >= maxRequests) return { failure: 'too many requests under way' }
    const signal = AbortSignal.timeout(timeoutMilliseconds)
    underWay += 1
    try {
      return await exchange(uri, request, signal)
    } catch (error) {
      return {
        failure: signal.aborted ? late : `no connection: ${codeOf(error) ?? 'request failed'}`,
      }
    } finally {
      underWay -= 1
    }
  }
}

/** The certificate authorities of a PEM file, besides those that Node knows. */
export function createTrust(caFile: string | undefined): SecureContext | undefined {
  if (caFile === undefined) return undefined
  return createSecureContext({ ca: [...rootCertificates, readFileSync(caFile, 'utf8')] })
}

/** The name in the URL goes into Host and SNI, and the certificate has to be its; only its lookup is settled already. */
async function connect(
  { url, addresses }: Destination,
  { accept, form }: OutgoingRequest,
  { trust, signal }: { trust: SecureContext | undefined; signal: AbortSignal },
): Promise<IncomingMessage> {
  const body = form && new URLSearchParams(form).toString()
  const lookup: LookupFunction = (_host, { all }, done) =>
    all ? done(null, addresses) : done(null, addresses[0]!.address, addresses[0]!.family)
  const request = (url.protocol === 'https:' ? requestSecurely : requestPlainly)(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      accept,
      'accept-encoding': 'identity',
      'user-agent': 'claviger',
      ...(body !== undefined && {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': Buffer.byteLength(body),
      }),
    },
    agent: false,
    lookup,
    signal,
    ...(trust && { secureContext: trust }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true, // whatever NODE_TLS_REJECT_UNAUTHORIZED says
  })
  request.on('error', () => {}) // also the one after the answer has begun
  const answered = once(request, 'response', { signal })
  request.end(body)
  const [response] = (await answered) as [IncomingMessage]
  return response
}

async function readBody(response: IncomingMessage, maxBytes: number) {
  const chunks: Buffer[] = []
  let length = 0
  let fault: string | undefined
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      length += chunk.length
      if (length > maxBytes) break // which hangs up
    }
  } catch {
    fault = 'an answer that broke off'
  }
  if (length > maxBytes) fault = `an answer of more than ${maxBytes} bytes`
  return { body: Buffer.concat(chunks).subarray(0, maxBytes), fault }
}

function before<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    work.then(resolve, reject)
  })
}

/** A form whose answer counts by its status, and a body as far as it was read. */
export function createPostForm(
  send: Send,
): (
  uri: string,
  form: Record<string, string>,
) => Promise<{ status: number; body: string } | { failure: string }> {
  return async (uri, form) => {
    const answer = await send(uri, { accept: 'application/json', form, maxBytes: 64 * 1024 })
    return 'failure' in answer ? answer : { status: answer.status, body: answer.body.toString() }
  }
}
