/** An issuer for a test of the verifier: its documents come from a real server, which does as the test says. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'
import type { Test } from 'tap'
import type { Runtime } from '../../src/verifier/runtime.ts'
import { defaultRuntime } from '../../src/verifier/runtime.ts'

export interface SigningKey {
  kid: string
  alg: string
  privateKey: CryptoKey
  /** As it is published. */
  jwk: JWK
}

export async function createSigningKey(
  alg: string,
  { kid = alg, ...members }: JWK = {},
): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig', ...members }
  return { kid, alg, privateKey, jwk }
}

/** A wall clock and a monotonic one that stand still until the test moves them. */
export interface TestClock extends Runtime {
  advance(seconds: number): void
  /** Sets the wall clock only. */
  setWall(seconds: number): void
  seconds(): number
}

export function createTestClock(): TestClock {
  let wall = Date.UTC(2030, 0, 1)
  let monotonic = 1_000
  return {
    ...defaultRuntime,
    now: () => wall,
    monotonic: () => monotonic,
    advance(seconds) {
      wall += seconds * 1000
      monotonic += seconds * 1000
    },
    setWall: (seconds) => void (wall = seconds * 1000),
    seconds: () => wall / 1000,
  }
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

export interface TestIssuer {
  issuer: string
  jwksUri: string
  /** The paths that were asked for. */
  requests: string[]
  /** What a path answers from now on: an object as JSON, a status, or whatever the listener does. */
  answer(path: string, content: object | number | Listener, headers?: Record<string, string>): void
  publish(...keys: (SigningKey | object)[]): void
  /** No connection is possible. */
  stop(): Promise<void>
  start(): Promise<void>
}

export const metadataPath = '/.well-known/openid-configuration'

/** Publishes its metadata and what keys it is given. */
export async function createTestIssuer(t: Test, ...keys: SigningKey[]): Promise<TestIssuer> {
  const listeners = new Map<string, Listener>()
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(request.url ?? '')
    response.shouldKeepAlive = false // or a client may meet a connection that is about to close
    const listener = listeners.get(request.url ?? '')
    if (listener) listener(request, response)
    else response.writeHead(404).end()
  })

  let port = 0
  async function start(): Promise<void> {
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    const address = server.address()
    port = typeof address === 'object' && address ? address.port : 0
  }
  async function stop(): Promise<void> {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }

  function answer(
    path: string,
    content: object | number | Listener,
    headers: Record<string, string> = {},
  ): void {
    const listener: Listener = (_request, response) =>
      typeof content === 'number'
        ? response.writeHead(content, headers).end()
        : response
            .writeHead(200, { 'content-type': 'application/json', ...headers })
            .end(JSON.stringify(content))
    listeners.set(path, typeof content === 'function' ? (content as Listener) : listener)
  }

  await start()
  t.teardown(stop)
  const issuer = `http://127.0.0.1:${port}`
  const jwksUri = `${issuer}/jwks`
  const publish = (...published: (SigningKey | object)[]) =>
    answer('/jwks', { keys: published.map((key) => ('jwk' in key ? key.jwk : key)) })
  answer(metadataPath, { issuer, jwks_uri: jwksUri })
  publish(...keys)
  return { issuer, jwksUri, requests, answer, publish, stop, start }
}

/** Claims of an access token (RFC 9068 §2.2) that is alive for ten minutes. */
export function accessTokenClaims(issuer: string, clock: TestClock) {
  const iat = clock.seconds()
  return {
    iss: issuer,
    aud: 'https://api.example',
    sub: 'alice',
    client_id: 'app',
    jti: 'the jti',
    sid: 'the session',
    grant_id: 'the grant',
    scope: 'orders:read orders:write',
    iat,
    exp: iat + 600,
  }
}

/** Members that are undefined are left out. */
export function sign(
  { alg, kid, privateKey }: SigningKey,
  claims: object,
  header: Record<string, unknown> = {},
): Promise<string> {
  const all = JSON.parse(JSON.stringify({ alg, kid, typ: 'at+jwt', ...header })) as { alg: string }
  return new SignJWT({ ...claims }).setProtectedHeader(all).sign(privateKey)
}

export const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** What `promise` rejects with: a VerificationError's code, or else the error as it is. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
    return 'accepted'
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
}
