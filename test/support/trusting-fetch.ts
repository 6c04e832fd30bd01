/** fetch over TLS that trusts one certificate of a test's own: Node's takes none for a single call. */
import { once } from 'node:events'
import { Agent, request as startRequest } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { Certificate } from './certificates.ts'

/** Follows no redirects, whatever it is asked. With a certificate for whoever asks for one. */
export function createTrustingFetch(
  ca: string,
  certificate?: Pick<Certificate, 'cert' | 'key'>,
): typeof fetch {
  // Hangs up before a server of Node's does, after 5 s: a request could meet the end of the connection.
  const agent = new Agent({ ca, keepAlive: true, timeout: 2000, ...certificate })

  return async (input, init) => {
    const { url, method, headers, body, signal } = new Request(input, init)
    const content = body && (await new Response(body).text())
    const outgoing = startRequest(url, {
      agent,
      method,
      headers: Object.fromEntries(headers),
      signal,
    })
    outgoing.end(content)
    const [incoming]: [IncomingMessage] = await (once(outgoing, 'response') as Promise<never>)
    const received = new Headers()
    for (const [name, values] of Object.entries(incoming.headersDistinct))
      for (const value of values ?? []) received.append(name, value)
    const answer = await buffer(incoming)
    const status = incoming.statusCode ?? 0
    return new Response(answer.length > 0 ? answer : null, { status, headers: received })
  }
}
