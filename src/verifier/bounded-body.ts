/** Bodies of answers, read to a limit. */
import { FeedError } from './feed-error.ts'

export async function readText(response: Response, maxBytes: number): Promise<string> {
  if (!response.body) return ''
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    length += value.byteLength
    if (length > maxBytes) {
      void reader.cancel().catch(() => {})
      throw new FeedError(`The answer has more than ${maxBytes} bytes`)
    }
    text += decoder.decode(value, { stream: true })
  }
}

/** Lets the connection go, or be used again. */
export function discard(response: Response): void {
  void response.body?.cancel().catch(() => {})
}

/** The `error` of a JSON answer (RFC 6749 §5.2, RFC 6750 §3.1), where there is a plain one. */
export async function readErrorCode(response: Response): Promise<string | undefined> {
  try {
    const { error } = JSON.parse(await readText(response, 16_384)) as { error?: unknown }
    return typeof error === 'string' && /^[\w.-]{1,64}$/.test(error) ? error : undefined
  } catch {
    return undefined
  }
}
