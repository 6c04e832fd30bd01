/** Fetches JSON that a client publishes: once for all who ask at a time, and not again at once after a failure. */
import { LRUCache } from 'lru-cache'
import type { IncomingHttpHeaders } from 'node:http'
import type { FetchDocument, FetchedDocument } from '../clients/documents.ts'
import type { Clock } from '../database/clock.ts'
import { isJson } from '../protocol/json.ts'
import type { OutgoingAnswer, Send } from './outgoing.ts'

const failureSeconds = 5 // nobody can make us hammer somebody
const failuresKept = 1000
const maxJsonDepth = 20

type Fetched = FetchedDocument | { failure: string }

export function createFetchDocument({
  send,
  clock,
}: {
  send: Send
  clock: Pick<Clock, 'now'>
}): FetchDocument {
  const underWay = new Map<string, Promise<Fetched>>()
  const failures = new LRUCache<string, { failure: string }>({
    max: failuresKept,
    ttl: failureSeconds * 1000,
    ttlResolution: 0,
    perf: { now: () => clock.now().getTime() },
  })

  async function fetch(key: string, uri: string, maxBytes: number): Promise<Fetched> {
    const accept = 'application/json, application/*+json;q=0.9'
    const answer = await send(uri, { accept, maxBytes })
    const fetched = 'failure' in answer ? answer : read(answer)
    if ('failure' in fetched) failures.set(key, fetched)
    return fetched
  }

  return async (uri, { maxBytes }) => {
    const key = `${maxBytes} ${uri}`
    const failed = failures.get(key)
    if (failed) return failed
    const promise =
      underWay.get(key) ?? fetch(key, uri, maxBytes).finally(() => underWay.delete(key))
    underWay.set(key, promise)
    return promise
  }
}

function read({ status, headers, body, fault }: OutgoingAnswer): Fetched {
  if (status >= 300 && status < 400)
    return { failure: `an answer of ${status}: redirects are not followed` }
  if (status !== 200) return { failure: `an answer of ${status}, not 200` }
  const { 'content-encoding': encoding = 'identity', 'content-type': type = '' } = headers
  if (encoding.toLowerCase() !== 'identity') return { failure: 'an answer that is compressed' }
  if (!/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type))
    return { failure: 'an answer that is not application/json' }
  if (fault !== undefined) return { failure: fault }
  try {
    const document: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    if (isJson(document, maxJsonDepth)) return { document, maxAgeSeconds: maxAgeOf(headers) }
  } catch {
    // Not JSON, or not UTF-8.
  }
  return { failure: 'an answer that is not JSON' }
}

/** For how long the answer may be used again (RFC 9111 §5.2.2); undefined when it does not say. */
function maxAgeOf({ 'cache-control': text = '' }: IncomingHttpHeaders): number | undefined {
  const directives = text
    .toLowerCase()
    .split(',')
    .map((directive) => directive.trim())
  if (directives.some((one) => /^no-(?:store|cache)\b/.test(one))) return 0
  const seconds = directives.flatMap((one) => /^max-age="?(\d{1,10})"?$/.exec(one)?.[1] ?? [])[0]
  return seconds === undefined ? undefined : Number(seconds)
}
