/** Access tokens for the feed: by client_credentials (RFC 6749 §4.4), by the caller's own way, or none. */
import { discard, readErrorCode, readText } from './bounded-body.ts'
import { FeedError, reasonOf } from './feed-error.ts'
import { feedScope } from './feed.ts'
import type { FeedCredentials } from './follow-options.ts'
import { parseObject } from './json.ts'
import type { Fetch, SetTimer } from './runtime.ts'
import { createDeadline, unlessAborted } from './timers.ts'

export interface FeedAccess {
  /** Undefined where none is asked for. */
  token(): Promise<string | undefined>
  /** Tells of a token that the feed refused; answers whether there may be a better one. */
  drop(token: string | undefined): boolean
}

export interface FeedAccessOptions {
  metadata: { get(): Promise<{ token_endpoint?: string }> }
  fetch: Fetch
  monotonic: () => number
  setTimer: SetTimer
  closing: AbortSignal
}

interface Granted {
  token: string
  lifetimeSeconds: number
}

const timeoutMilliseconds = 10_000
const longestAnswer = 65_536
const defaultLifetimeSeconds = 300
const renewalLeadSeconds = 30

export function createFeedAccess(
  credentials: FeedCredentials,
  options: FeedAccessOptions,
): FeedAccess {
  if (credentials.type === 'none') return { token: async () => undefined, drop: () => false }
  if (credentials.type === 'token') return createCallerAccess(credentials.accessToken)
  return createClientAccess(credentials, options)
}

function createCallerAccess(accessToken: () => Promise<string>): FeedAccess {
  return {
    async token() {
      const token = await accessToken()
      // fetch would quote it in its error.
      if (!isToken(token)) throw new FeedError('accessToken() answered what is no access token')
      return token
    },
    drop: () => true,
  }
}

function createClientAccess(
  credentials: FeedCredentials & { type: 'client' },
  { metadata, fetch, monotonic, setTimer, closing }: FeedAccessOptions,
): FeedAccess {
  let held: { token: string; until: number } | undefined
  let running: Promise<string> | undefined

  async function request(signal: AbortSignal): Promise<Granted> {
    const { token_endpoint: endpoint } = await metadata.get()
    if (endpoint === undefined)
      throw new FeedError("The issuer's metadata name no token_endpoint: follow with accessToken")
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        authorization: basic(credentials),
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: `grant_type=client_credentials&scope=${feedScope}`,
      redirect: 'manual',
      signal,
    })
    return readGrant(response, credentials.clientId)
  }

  async function fetchToken(): Promise<string> {
    const askedAt = monotonic()
    const deadline = createDeadline({ setTimer, closing })
    deadline.extend(timeoutMilliseconds, new FeedError("The issuer's token endpoint is too slow"))
    try {
      const { token, lifetimeSeconds } = await unlessAborted(
        deadline.signal,
        request(deadline.signal),
      )
      const usableSeconds = Math.max(lifetimeSeconds - renewalLeadSeconds, lifetimeSeconds / 2)
      held = { token, until: askedAt + usableSeconds * 1000 }
      return token
    } catch (error) {
      if (error instanceof FeedError) throw error
      throw new FeedError(`No access token for the feed: ${reasonOf(error)}`, { cause: error })
    } finally {
      deadline.end()
    }
  }

  return {
    async token() {
      if (held && monotonic() < held.until) return held.token
      running ??= fetchToken().finally(() => (running = undefined))
      return running
    },
    drop(token) {
      if (held?.token === token) held = undefined
      return true
    },
  }
}

async function readGrant(response: Response, clientId: string): Promise<Granted> {
  const { status } = response
  if (status >= 300 && status < 400) {
    discard(response)
    throw new FeedError("The issuer's token endpoint redirects, which is not followed", { status })
  }
  if (status !== 200) {
    const code = (await readErrorCode(response)) ?? 'without an error code'
    throw new FeedError(
      `The issuer's token endpoint refused the client ${JSON.stringify(clientId)} (${status} ${code}): ${hintOf(code)}`,
      { status },
    )
  }
  const granted = parseGrant(await readText(response, longestAnswer))
  if (!granted)
    throw new FeedError("The issuer's token endpoint answered without a Bearer access token")
  return granted
}

function hintOf(code: string): string {
  if (code === 'invalid_client') return 'check clientId and clientSecret'
  if (code === 'unauthorized_client') return 'allow it the grant client_credentials'
  if (code === 'invalid_scope') return `allow it the scope ${feedScope}`
  return 'see the log of the issuer'
}

function parseGrant(text: string): Granted | undefined {
  const { access_token: token, token_type: type, expires_in: seconds } = parseObject(text) ?? {}
  if (!isToken(token) || typeof type !== 'string' || type.toLowerCase() !== 'bearer')
    return undefined
  const isLifetime = typeof seconds === 'number' && seconds > 0
  return { token, lifetimeSeconds: isLifetime ? seconds : defaultLifetimeSeconds }
}

/** The characters of RFC 6750 §2.1. */
function isToken(token: unknown): token is string {
  return typeof token === 'string' && /^[\w.~+/-]+=*$/.test(token)
}

/** Both parts are form-encoded (RFC 6749 §2.3.1). */
function basic({ clientId, clientSecret }: { clientId: string; clientSecret: string }): string {
  return `Basic ${btoa(`${formEncode(clientId)}:${formEncode(clientSecret)}`)}`
}

function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}
