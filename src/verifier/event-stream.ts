/** Server-sent events (WHATWG HTML §9.2) from a body, bounded: what is not whole when the body ends is no event. */
import { FeedError } from './feed-error.ts'

export interface ServerSentEvent {
  type: string
  data: string
}

/** Ends with the body or the signal. Throws when a line, or the data of an event, is longer than `maxLength` characters. */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  { maxLength, signal }: { maxLength: number; signal: AbortSignal },
): AsyncGenerator<ServerSentEvent, void> {
  const reader = body.getReader()
  const cancel = () => void reader.cancel().catch(() => {})
  if (signal.aborted) cancel()
  signal.addEventListener('abort', cancel)
  const decoder = new TextDecoder() // leaves a byte order mark out
  const parse = createEventParser(maxLength)
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield* parse(decoder.decode(value, { stream: true }))
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    cancel()
  }
}

/** Takes the text piece by piece; a piece may end anywhere. */
export function createEventParser(maxLength: number): (text: string) => ServerSentEvent[] {
  let line = ''
  let endedByReturn = false
  let type = ''
  let data: string[] = []
  let dataLength = 0

  function refuseLength(length: number): void {
    if (length > maxLength) throw new FeedError(`An event has more than ${maxLength} characters`)
  }

  function takeField(): void {
    const [, name, value = ''] = /^([^:]*)(?:: ?([^]*))?$/.exec(line)!
    if (name === 'event') type = value
    if (name !== 'data') return
    data.push(value)
    dataLength += value.length + 1
    refuseLength(dataLength)
  }

  function dispatch(): ServerSentEvent[] {
    const event = { type: type || 'message', data: data.join('\n') }
    const isEvent = data.length > 0
    type = ''
    data = []
    dataLength = 0
    return isEvent ? [event] : []
  }

  function endLine(): ServerSentEvent[] {
    if (line === '') return dispatch()
    takeField()
    line = ''
    return []
  }

  return (text) => {
    if (text === '') return []
    // A line feed after a carriage return belongs to it, even where the next piece begins with it.
    const rest = endedByReturn && text.startsWith('\n') ? text.slice(1) : text
    endedByReturn = text.endsWith('\r')
    const events: ServerSentEvent[] = []
    const pieces = rest.split(/\r\n|\n|\r/)
    const unfinished = pieces.pop()!
    for (const piece of pieces) {
      line += piece
      refuseLength(line.length)
      events.push(...endLine())
    }
    line += unfinished
    refuseLength(line.length)
    return events
  }
}
