/** What the FAPI modules see of TLS on each endpoint: its versions and ciphers (RFC 9325, FAPI 2.0 Security Profile §5.2). */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { speaksTlsWell } from '../support/handshake.ts'
import { createTestProvider, freePort } from '../support/provider.ts'
import { createSelfSigned } from '../support/self-signed.ts'

const directory = t.testdir()
/** Starts a provider with a port for each kind of client. */
async function startProvider(type: 'ec' | 'rsa') {
  const { cert, key } = createSelfSigned(type)
  const [certFile, keyFile] = [join(directory, `${type}.cert`), join(directory, `${type}.key`)]
  await Promise.all([writeFile(certFile, cert), writeFile(keyFile, key)])
  const ports = [await freePort(), await freePort()]
  await createTestProvider(t, {
    ISSUER: `https://127.0.0.1:${ports[0]}`,
    PORT: String(ports[0]),
    CLAVIGER_MTLS_PORT: String(ports[1]),
    TLS_CERT_FILE: certFile,
    TLS_KEY_FILE: keyFile,
  })
  return { ports, ca: cert }
}

for (const type of ['ec', 'rsa'] as const)
  t.test(`with a certificate of ${type.toUpperCase()}`, async (t) => {
    const { ports, ca } = await startProvider(type)
    for (const [index, port] of ports.entries())
      t.test(index === 0 ? 'the endpoints' : 'their aliases for client certificates', (t) =>
        speaksTlsWell(t, { port, ca, type }),
      )
  })
