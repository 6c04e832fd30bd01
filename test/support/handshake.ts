/** How a server shakes hands: which versions and ciphers of TLS it has (RFC 9325, FAPI 2.0 Security Profile §5.2). */
import { connect, getCiphers, type ConnectionOptions } from 'node:tls'
import type { Test } from 'tap'

export interface TlsServer {
  /** On 127.0.0.1. */
  port: number
  ca: string
  /** Of its certificate's key. */
  type?: 'ec' | 'rsa'
}

// A client at this level would speak anything.
const anything = '@SECLEVEL=0'
const suites = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384']

export async function speaksTlsWell(t: Test, { port, ca, type = 'ec' }: TlsServer): Promise<void> {
  const allowed = suites.map((suite) => `ECDHE-${type === 'ec' ? 'ECDSA' : 'RSA'}-${suite}`)

  /** Answers the protocol and the cipher agreed on, or how it refused. */
  const handshake = (options: ConnectionOptions): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', ca, ...options })
      socket.once('secureConnect', () => {
        resolve(`${socket.getProtocol()} ${socket.getCipher().name}`)
        socket.destroy()
      })
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    })

  t.test('TLS 1.3 is offered, and preferred', async (t) => {
    t.match(await handshake({}), /^TLSv1\.3 TLS_/)
    t.match(await handshake({ minVersion: 'TLSv1.2' }), /^TLSv1\.3 TLS_/)
  })

  t.test('TLS 1.0 and 1.1 are refused', async (t) => {
    const ciphers = `DEFAULT:${anything}`
    for (const version of ['TLSv1.1', 'TLSv1'] as const)
      t.match(
        await handshake({ minVersion: 'TLSv1', maxVersion: version, ciphers }),
        /ALERT_PROTOCOL_VERSION$/,
        version,
      )
  })

  t.test('TLS 1.2 has the recommended ciphers', async (t) => {
    for (const cipher of allowed)
      t.equal(await handshake({ maxVersion: 'TLSv1.2', ciphers: cipher }), `TLSv1.2 ${cipher}`)
  })

  t.test('TLS 1.2 has no other cipher that there is', async (t) => {
    const others = getCiphers()
      .map((name) => name.toUpperCase())
      .filter((name) => !name.startsWith('TLS_') && !name.startsWith('PSK-'))
      .filter((name) => !/-PSK-|SRP-/.test(name) && !allowed.includes(name))
    t.ok(others.length > 20)
    for (const cipher of others)
      t.notMatch(
        await handshake({ maxVersion: 'TLSv1.2', ciphers: `${cipher}:${anything}` }),
        /^TLSv/,
        cipher,
      )
  })
}
