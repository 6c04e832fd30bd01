/** What the FAPI modules see of TLS on each endpoint: its versions and ciphers (RFC 9325, FAPI 2.0 Security Profile §5.2). */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect, getCiphers, type ConnectionOptions } from 'node:tls'
import t from 'tap'
import { createTestProvider, freePort } from '../support/provider.ts'
import { createSelfSigned } from '../support/self-signed.ts'

const directory = t.testdir()
// A client at this level would speak anything.
const anything = '@SECLEVEL=0'

/** Starts a provider and answers how it shakes hands: the protocol and the cipher agreed on, or how it refused. */
async function createHandshake(type: 'ec' | 'rsa') {
  const { cert, key } = createSelfSigned(type)
  const [certFile, keyFile] = [join(directory, `${type}.cert`), join(directory, `${type}.key`)]
  await Promise.all([writeFile(certFile, cert), writeFile(keyFile, key)])
  const port = await freePort()
  await createTestProvider(t, {
    ISSUER: `https://127.0.0.1:${port}`,
    PORT: String(port),
    TLS_CERT_FILE: certFile,
    TLS_KEY_FILE: keyFile,
  })
  return (options: ConnectionOptions): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', ca: cert, ...options })
      socket.once('secureConnect', () => {
        resolve(`${socket.getProtocol()} ${socket.getCipher().name}`)
        socket.destroy()
      })
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    })
}

const suites = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384']

for (const [type, algorithm] of [
  ['ec', 'ECDSA'],
  ['rsa', 'RSA'],
] as const)
  t.test(`with a certificate of ${algorithm}`, async (t) => {
    const handshake = await createHandshake(type)
    const allowed = suites.map((suite) => `ECDHE-${algorithm}-${suite}`)

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
  })
