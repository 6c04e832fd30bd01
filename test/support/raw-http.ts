/** Sends exactly the bytes a test gives, well-formed or not: fetch would mend or refuse them. */
import { connect } from 'node:net'

export interface RawRequest {
  method?: string
  /** The request target as it stands, one byte a character. */
  path: string
  headers?: Record<string, string>
  body?: string | Buffer
}

export interface Answer {
  status: number
  headers: Headers
  body: string
}

export const formType = 'application/x-www-form-urlencoded'

export function send(issuer: string, request: RawRequest): Promise<Answer> {
  const { method = 'GET', path, headers = {}, body } = request
  const bytes = Buffer.from(body ?? '')
  const lines = Object.entries({
    host: new URL(issuer).host,
    connection: 'close',
    ...(body !== undefined && { 'content-length': String(bytes.length) }),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1')
  return sendBytes(issuer, Buffer.concat([head, bytes]))
}

/** A POST of a form. */
export function sendForm(
  issuer: string,
  path: string,
  form: string | Buffer,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return send(issuer, {
    method: 'POST',
    path,
    headers: { 'content-type': formType, ...headers },
    body: form,
  })
}

export function sendBytes(issuer: string, bytes: Buffer | string): Promise<Answer> {
  const { hostname, port } = new URL(issuer)
  return new Promise((resolve, reject) => {
    const received: Buffer[] = []
    const socket = connect(Number(port), hostname)
    socket.on('data', (chunk) => received.push(chunk))
    socket.on('error', () => {}) // a server that has answered need not read the rest
    socket.on('close', () => {
      const answer = parse(Buffer.concat(received))
      if (answer) resolve(answer)
      else
        reject(
          new Error(`The server hung up without an answer to ${bytes.toString('latin1', 0, 200)}`),
        )
    })
    socket.write(bytes)
  })
}

function parse(bytes: Buffer): Answer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, Math.max(end, 0)).split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1])
  if (end < 0 || Number.isNaN(status)) return undefined
  const headers = new Headers()
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return { status, headers, body: bytes.toString('utf8', end + 4) }
}
