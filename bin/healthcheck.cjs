// The container's health check: is this server ready? Plain HTTP, or HTTPS whatever the certificate says, on loopback.
'use strict'

const env = process.env
const issuerPath = new URL(env.ISSUER || 'http://localhost').pathname.replace(/\/$/, '')

require(env.TLS_CERT_FILE ? 'https' : 'http')
  .get({
    host: '127.0.0.1',
    port: env.PORT || 3000,
    path: issuerPath + '/health/ready',
    rejectUnauthorized: false,
  })
  .on('response', (answer) => process.exit(answer.statusCode === 200 ? 0 : 1))
  .on('error', () => process.exit(1))
