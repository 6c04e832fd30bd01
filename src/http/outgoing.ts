/** What this server sends to others: every outgoing request goes through here. It follows no redirect. */
import { codeOf } from '../database/errors.ts'

export interface OutgoingOptions {
  fetch?: typeof globalThis.fetch
  /** From the first byte sent to the last one read. */
  timeoutMilliseconds: number
  /** What is read of an answer at most. */
  maxBytes: number
}

type Answer = { status: number; body: string } | { failure: string }

/** The status is the answer, whatever becomes of the body. */
export function createPostForm({
  fetch = globalThis.fetch,
  timeoutMilliseconds,
  maxBytes,
}: OutgoingOptions): (uri: string, fields: Record<string, string>) => Promise<Answer> {
  return async (uri, fields) => {
    try {
      const response = await fetch(uri, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'application/json',
          'user-agent': 'claviger',
        },
        body: new URLSearchParams(fields).toString(),
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMilliseconds),
      })
      return { status: response.status, body: await readStart(response, maxBytes) }
    } catch (error) {
      return { failure: describe(error, timeoutMilliseconds) }
    }
  }
}

async function readStart({ body }: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of body ?? []) {
      chunks.push(chunk)
      length += chunk.length
      if (length >= maxBytes) break // which hangs up
    }
  } catch {
    // Cut off: what came has to do.
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString()
}

/** In few words, and none of those that were sent. */
function describe(error: unknown, timeoutMilliseconds: number): string {
  if (error instanceof Error && error.name === 'TimeoutError')
    return `no answer within ${timeoutMilliseconds / 1000} s`
  const cause = error instanceof Error ? error.cause : undefined
  return `no connection: ${codeOf(cause) ?? 'fetch failed'}`
}
