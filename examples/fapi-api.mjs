// A protected resource of FAPI 2.0: tokens only with a proof of the key that they are bound to, by DPoP or by client certificate,
// over TLS as FAPI wants it. It needs no OpenID Connect: the scope is `accounts`, and the audience of tokens that are asked for
// without `resource` is the issuer.
//
//   echo '{"client_id": "accounts-api", "client_secret": "a-secret-of-at-least-thirty-two-characters",
//     "grant_types": ["client_credentials"], "scope": "revocations"}' | npx claviger clients create --file -
//   CLIENT_SECRET=a-secret-of-at-least-thirty-two-characters TLS_CERT_FILE=cert.pem TLS_KEY_FILE=key.pem \
//     BASE_URL=https://localhost:4004 ISSUER=https://login.example.com node examples/fapi-api.mjs
import { createVerifier } from '@claviger/verifier'
import { requireToken } from '@claviger/verifier/express'
import express from 'express'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

const { ISSUER, CLIENT_SECRET, TLS_CERT_FILE, TLS_KEY_FILE } = process.env
const port = Number(process.env.PORT ?? 4004)
const baseUrl = process.env.BASE_URL ?? `https://localhost:${port}`

const verifier = createVerifier({
  issuer: ISSUER,
  audience: process.env.AUDIENCE ?? ISSUER,
  revocations: { clientId: 'accounts-api', clientSecret: CLIENT_SECRET },
})
await verifier.ready()

const api = express()
api.disable('x-powered-by')

api.use((request, response, next) => {
  const interaction = request.get('x-fapi-interaction-id')
  if (interaction !== undefined) response.set('x-fapi-interaction-id', interaction)
  next()
})

api.get(
  '/accounts',
  requireToken(verifier, { baseUrl, scopes: ['accounts'] }),
  (request, response) => {
    const { sub, cnf } = request.auth.claims
    if (cnf) response.json({ accounts: [{ id: '1', owner: sub, balance: '12.50' }] })
    else response.status(401).json({ error: 'invalid_token' }) // bound to nothing
  },
)

// Whoever has a certificate shows it; it is compared with the token, so that anybody may have issued it.
const server = createServer(
  {
    cert: readFileSync(TLS_CERT_FILE),
    key: readFileSync(TLS_KEY_FILE),
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    ciphers: [
      'TLS_AES_256_GCM_SHA384',
      'TLS_CHACHA20_POLY1305_SHA256',
      'TLS_AES_128_GCM_SHA256',
      'ECDHE-ECDSA-AES256-GCM-SHA384',
      'ECDHE-RSA-AES256-GCM-SHA384',
      'ECDHE-ECDSA-AES128-GCM-SHA256',
      'ECDHE-RSA-AES128-GCM-SHA256',
    ].join(':'),
  },
  api,
)
server.listen(port, () => console.log(`Accounts are served at ${baseUrl}/accounts`))
process.once('SIGTERM', () => {
  verifier.close()
  server.close()
  server.closeAllConnections()
})
