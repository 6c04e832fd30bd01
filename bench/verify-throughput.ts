/** How many tokens a second one thread verifies: ours beside jose, fast-jwt and jsonwebtoken, in one run, as ratios to jose. */
import { createVerifier as createFastVerifier } from 'fast-jwt'
import { createLocalJWKSet, exportJWK, exportSPKI, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { createVerifier } from '../src/verifier/verifier.ts'

type Verify = (token: string) => unknown

const { values } = parseArgs({
  options: {
    tokens: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '10' },
  },
})
const [tokenCount, rounds] = [Number(values.tokens), Number(values.rounds)]
if (!(tokenCount > 0 && rounds > 0)) throw new Error('--tokens and --rounds are numbers above 0')

const audience = 'https://api.example.com'
for (const alg of ['RS256', 'ES256', 'EdDSA']) await compare(alg)

async function compare(alg: string): Promise<void> {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  const jwk = { ...(await exportJWK(publicKey)), alg, kid: 'the-key', use: 'sig' }
  const server = createServer((request, response) => {
    const body = request.url?.startsWith('/.well-known/openid')
      ? { issuer, jwks_uri: `${issuer}/jwks` }
      : { keys: [jwk] }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const tokens = await Promise.all(
    Array.from({ length: tokenCount }, () =>
      new SignJWT({ client_id: 'app', scope: 'orders:read', sid: randomUUID(), roles: ['admin'] })
        .setProtectedHeader({ alg, typ: 'at+jwt', kid: 'the-key' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(randomUUID())
        .setJti(randomUUID())
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey),
    ),
  )

  const pem = await exportSPKI(publicKey)
  const pinned = { issuer, audience, algorithms: [alg] }
  const keys = createLocalJWKSet({ keys: [jwk] })
  const settings = { issuer, audience, revocations: 'off' as const }
  const withoutCache = createVerifier({ ...settings, cacheSize: 0 })
  const withCache = createVerifier(settings)
  const fast = { key: pem, allowedIss: issuer, allowedAud: audience, algorithms: [alg as 'RS256'] }
  const candidates: Record<string, Verify> = {
    'jose.jwtVerify': (token) => jwtVerify(token, keys, { ...pinned, typ: 'at+jwt' }),
    'claviger, every token new': (token) => withoutCache.verify(token),
    'claviger, tokens seen before': (token) => withCache.verify(token),
    'fast-jwt': createFastVerifier({ ...fast, cache: false }),
    'fast-jwt, tokens seen before': createFastVerifier({ ...fast, cache: tokenCount }),
    ...(alg !== 'EdDSA' && {
      jsonwebtoken: (token: string) =>
        jsonwebtoken.verify(token, pem, { issuer, audience, algorithms: [alg as 'RS256'] }),
    }),
  }

  const fastest = new Map<string, number>()
  for (let round = 0; round <= rounds; round++)
    for (const [name, verify] of Object.entries(candidates)) {
      const perSecond = await measure(verify, tokens)
      if (round > 0) fastest.set(name, Math.max(fastest.get(name) ?? 0, perSecond)) // the first warms up
    }
  server.close()
  report(alg, fastest)
}

/** One after the other, as a service that has one request at a time would. */
async function measure(verify: Verify, tokens: readonly string[]): Promise<number> {
  const began = performance.now()
  for (const token of tokens) await verify(token)
  return (tokens.length * 1000) / (performance.now() - began)
}

function report(alg: string, fastest: ReadonlyMap<string, number>): void {
  const jose = fastest.get('jose.jwtVerify')!
  const table = new Table({
    head: [alg, 'tokens a second', 'ratio to jose'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right'],
  })
  for (const [name, perSecond] of fastest)
    table.push([name, Math.round(perSecond), (perSecond / jose).toFixed(2)])
  process.stdout.write(`${table.toString()}\n`)
}
