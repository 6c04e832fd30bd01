/** Bodies of answers, read to a limit. */
import { parseObject } from './json.ts'

const longestErrorBytes = 16_384

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
      throw new Error(`The answer is longer than ${maxBytes} bytes.`)
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
  const body = await readText(response, longestErrorBytes).catch(() => '')
  const error = parseObject(body)?.['error']
  return typeof error === 'string' && /^[\w.-]{1,64}$/.test(error) ? error : undefined
}
