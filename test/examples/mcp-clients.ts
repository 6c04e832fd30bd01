/** The clients of the official MCP SDKs, as an application uses them, and the person in front of it. */
import {
  Client,
  StreamableHTTPClientTransport,
  UnauthorizedError,
  type DpopSession,
  type OAuthClientProvider,
} from '@modelcontextprotocol/client'
import { UnauthorizedError as FormerUnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client as FormerClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as FormerTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { proceed, signIn } from '../support/flow.ts'
import { redirectUri } from '../support/provider.ts'

type Saved<Name extends 'clientInformation' | 'tokens'> = Awaited<
  ReturnType<OAuthClientProvider[Name]>
>

/** What the application keeps, and what came of it. */
export interface Application {
  /** Where it sent the person, in order. */
  visits: URL[]
  /** All that were saved, in order. */
  tokens: NonNullable<Saved<'tokens'>>[]
  registered(): Saved<'clientInformation'>
  /** Calls a tool; the person signs in and allows whenever that is asked. */
  call(tool: string, input?: Record<string, unknown>): Promise<string>
  /** The same without the person. */
  callAlone(tool: string): Promise<string>
}

interface Connection {
  callTool(request: { name: string; arguments: Record<string, unknown> }): Promise<unknown>
  close(): Promise<void>
}

export interface Sdk {
  name: string
  connect(url: URL, authProvider: OAuthClientProvider): Promise<Connection>
  finish(url: URL, authProvider: OAuthClientProvider, answer: URLSearchParams): Promise<void>
  isUnauthorized(error: unknown): boolean
}

const identity = { name: 'test', version: '1.0.0' }

export const current: Sdk = {
  name: '@modelcontextprotocol/client 2',
  async connect(url, authProvider) {
    const client = new Client(identity, { versionNegotiation: { mode: 'auto' } })
    await client.connect(new StreamableHTTPClientTransport(url, { authProvider }))
    return client
  },
  finish: (url, authProvider, answer) =>
    new StreamableHTTPClientTransport(url, { authProvider }).finishAuth(answer),
  isUnauthorized: (error) => error instanceof UnauthorizedError,
}

export const former: Sdk = {
  name: '@modelcontextprotocol/sdk 1',
  async connect(url, authProvider) {
    const client = new FormerClient(identity)
    await client.connect(new FormerTransport(url, { authProvider }))
    return client
  },
  finish: (url, authProvider, answer) =>
    new FormerTransport(url, { authProvider }).finishAuth(answer.get('code') ?? ''),
  isUnauthorized: (error) => error instanceof FormerUnauthorizedError,
}

export function clientMetadataOf(redirectUrl: string) {
  return {
    client_name: 'Acme Agent',
    redirect_uris: [redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  }
}

export function createApplication(
  { connect, finish, isUnauthorized }: Sdk,
  {
    issuer,
    server,
    redirectUrl = redirectUri,
    clientInformation,
    clientMetadataUrl,
    dpop,
  }: {
    issuer: string
    server: URL
    redirectUrl?: string
    clientInformation?: Saved<'clientInformation'>
    clientMetadataUrl?: string
    /** By which its tokens are bound to a key (RFC 9449). */
    dpop?: DpopSession
  },
): Application {
  const visits: URL[] = []
  const tokens: Application['tokens'] = []
  let registered = clientInformation
  let held: Saved<'tokens'>
  let codeVerifier = ''
  let discovered: Awaited<ReturnType<NonNullable<OAuthClientProvider['discoveryState']>>>
  const provider: OAuthClientProvider = {
    redirectUrl,
    ...(clientMetadataUrl !== undefined && { clientMetadataUrl }),
    ...(dpop && { dpop: () => dpop }),
    clientMetadata: clientMetadataOf(redirectUrl),
    state: () => `state-${visits.length}`,
    clientInformation: () => registered,
    saveClientInformation: (information) => void (registered = information),
    tokens: () => held,
    saveTokens(saved) {
      held = saved
      tokens.push(saved)
    },
    invalidateCredentials(what) {
      if (what === 'tokens') held = undefined
    },
    redirectToAuthorization: (url) => void visits.push(url),
    saveCodeVerifier: (verifier) => void (codeVerifier = verifier),
    codeVerifier: () => codeVerifier,
    saveDiscoveryState: (state) => void (discovered = state),
    discoveryState: () => discovered,
  }

  async function callAlone(tool: string, input: Record<string, unknown> = {}): Promise<string> {
    const client = await connect(server, provider)
    try {
      const { content } = (await client.callTool({ name: tool, arguments: input })) as {
        content: { text: string }[]
      }
      return content.map(({ text }) => text).join()
    } finally {
      await client.close()
    }
  }

  async function goThere(): Promise<void> {
    const browser = await signIn({ issuer })
    const page = await proceed(browser, await browser.open(visits.at(-1)?.href ?? ''))
    if (!page.url.startsWith(redirectUrl)) throw new Error(`${page.url}: ${page.html}`)
    await finish(server, provider, new URL(page.url).searchParams)
  }

  return {
    visits,
    tokens,
    registered: () => registered,
    callAlone,
    async call(tool, input) {
      try {
        return await callAlone(tool, input)
      } catch (error) {
        if (!isUnauthorized(error)) throw error
        await goThere()
        return callAlone(tool, input)
      }
    },
  }
}
