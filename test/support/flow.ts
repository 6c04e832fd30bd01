/** The steps of the authorization code flow one by one, for tests that look at what a client's library hides. */
import { createHash } from 'node:crypto'
import { password, redirectUri, type TestProvider } from './provider.ts'
import { createUserAgent, type Page, type UserAgent } from './user-agent.ts'

/** Parameters of a request; undefined leaves out what would be sent by default. */
export type Fields = Record<string, string | readonly string[] | undefined>

type Issuer = Pick<TestProvider, 'issuer'>

export interface Party {
  clientId: string
  /** Empty for a public client. */
  secret: string
}

export interface Answer {
  status: number
  headers: Headers
  body: Record<string, unknown>
}

export interface Tokens {
  access_token: string
  refresh_token: string
  id_token: string
  expires_in: number
  scope: string
}

export const verifier = 'verifier-'.repeat(5)
export const challenge = createHash('sha256').update(verifier).digest('base64url')

/** A browser in which the person is signed in. */
export async function signIn(
  provider: Issuer,
  browser: UserAgent = createUserAgent(provider.issuer),
  username = 'alice@example.com',
): Promise<UserAgent> {
  const page = await browser.submit(await browser.open(`${provider.issuer}/login`), {
    username,
    password,
  })
  if (page.status !== 200) throw new Error(`Not signed in: ${page.status} ${page.html}`)
  return browser
}

/** The same where it does not matter how the person signed in: without a password's hash, which takes its time. */
export async function startSession(
  { issuer, services, clock }: Pick<TestProvider, 'issuer' | 'services' | 'clock'>,
  sub: string,
): Promise<UserAgent> {
  const authentication = { sub, amr: ['pwd'], authTime: clock.now(), after: [] }
  const { secret } = await services.sessions.start(authentication, undefined)
  const browser = createUserAgent(issuer)
  browser.cookies.set('claviger-session', secret)
  return browser
}

export function authorizationUrl(
  provider: Issuer,
  { clientId }: Party,
  changes: Fields = {},
): string {
  const parameters = encode({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: 'openid',
    state: 'the state',
    nonce: 'the nonce',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...changes,
  })
  return `${provider.issuer}/authorize?${parameters.toString()}`
}

/** Goes through login, the choice of an account and consent as far as they come up. */
export async function proceed(browser: UserAgent, page: Page): Promise<Page> {
  if (page.url.includes('/login?'))
    return proceed(browser, await browser.submit(page, { username: 'alice@example.com', password }))
  if (page.url.includes('/select-account?'))
    return proceed(browser, await browser.submit(page, { account: 'this' }))
  if (page.url.includes('/consent?'))
    return proceed(browser, await browser.submit(page, { decision: 'allow' }))
  return page
}

/** What arrives at the client's redirect URI, in the query. */
export async function authorize(
  provider: Issuer,
  browser: UserAgent,
  client: Party,
  changes: Fields = {},
): Promise<Record<string, string>> {
  const page = await proceed(
    browser,
    await browser.open(authorizationUrl(provider, client, changes)),
  )
  return Object.fromEntries(new URL(page.url).searchParams)
}

/** A POST to an endpoint below the issuer, authenticated by the client's secret if it has one. */
export async function post(
  provider: Issuer,
  path: string,
  { clientId, secret }: Party,
  fields: Fields,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const basic = Buffer.from(`${clientId}:${secret}`).toString('base64')
  return toAnswer(
    await fetch(provider.issuer + path, {
      method: 'POST',
      headers: { ...headers, ...(secret !== '' && { authorization: `Basic ${basic}` }) },
      body: encode(secret === '' ? { client_id: clientId, ...fields } : fields),
    }),
  )
}

export function redeem(
  provider: Issuer,
  client: Party,
  code: string | undefined,
  changes: Fields = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  const fields = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
    ...changes,
  }
  return post(provider, '/token', client, fields, headers)
}

export function refresh(
  provider: Issuer,
  client: Party,
  refreshToken: string,
  changes: Fields = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  const fields = { grant_type: 'refresh_token', refresh_token: refreshToken, ...changes }
  return post(provider, '/token', client, fields, headers)
}

/** The tokens of a whole flow. */
export async function obtainTokens(
  provider: Issuer,
  browser: UserAgent,
  client: Party,
  changes: Fields = {},
): Promise<Tokens> {
  const { code } = await authorize(provider, browser, client, changes)
  return toTokens(await redeem(provider, client, code))
}

export function toTokens({ status, body }: Answer): Tokens {
  if (status !== 200) throw new Error(`No tokens: ${status} ${JSON.stringify(body)}`)
  return body as unknown as Tokens
}

export async function userinfo(provider: Issuer, accessToken: string): Promise<Answer> {
  return toAnswer(
    await fetch(`${provider.issuer}/userinfo`, {
      headers: { authorization: `Bearer ${accessToken}` },
    }),
  )
}

export async function introspect(
  provider: Issuer,
  client: Party,
  token: string,
): Promise<Answer['body']> {
  const { body } = await post(provider, '/introspect', client, { token })
  return body
}

/** RFC 7591 §3.1, by whoever has the token; anonymously without one. */
export function register(
  { issuer }: Issuer,
  metadata: object,
  initialAccessToken?: string,
): Promise<Answer> {
  return sendRegistration(`${issuer}/register`, 'POST', { metadata, token: initialAccessToken })
}

/** RFC 7592 §2 with `GET`, `PUT` or `DELETE`. */
export async function sendRegistration(
  url: string,
  method: string,
  { metadata, token }: { metadata?: object; token?: string | undefined } = {},
): Promise<Answer> {
  return toAnswer(
    await fetch(url, {
      method,
      headers: {
        ...(metadata && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(metadata && { body: JSON.stringify(metadata) }),
    }),
  )
}

export function encode(fields: Fields): URLSearchParams {
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    [value ?? []].flat().map((one) => [name, one]),
  )
  return new URLSearchParams(pairs)
}

async function toAnswer(response: Response): Promise<Answer> {
  const text = await response.text()
  const { status, headers } = response
  return { status, headers, body: text === '' ? {} : JSON.parse(text) }
}
