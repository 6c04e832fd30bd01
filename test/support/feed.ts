/** Reads a provider's revocation feed over HTTP, and verifies what it says. */
import { createLocalJWKSet, jwtVerify } from 'jose'
import { feedType, parseFeedDocument, type FeedDocument } from '../../src/verifier/feed.ts'
import { post } from './flow.ts'
import type { TestProvider } from './provider.ts'

type Node = Pick<TestProvider, 'config' | 'issuer' | 'services' | 'clock'>

export interface FeedRequest {
  cursor?: string | undefined
  /** An access token. */
  token?: string | undefined
  headers?: Record<string, string>
  signal?: AbortSignal
}

export interface FeedStream {
  response: Response
  /** The next document; undefined when the stream has ended. */
  next(): Promise<FeedDocument | undefined>
  /** The texts of the events so far. */
  events: string[]
  /** Reads on to the end, and answers nothing. */
  untilEnd(): Promise<void>
}

/** Records so many tokens, or records them again, and lets the node read them. */
export async function fillFeed({ database, services, clock }: TestProvider, count: number) {
  await database.query(
    `insert into revocations (kind, id, not_before, expires_at, cursor, revoked_at)
     select 'token', 'J' || n, to_timestamp(1000), $2, nextval('revocations_cursor'), $2
     from generate_series(1, $1::integer) n
     on conflict (kind, id) do update set cursor = excluded.cursor`,
    [count, new Date(clock.now().getTime() + 600_000)],
  )
  await services.revocationFeed.load()
}

export function digestsOf({ entries }: FeedDocument): string[] {
  return entries.map(([, digest]) => digest)
}

/** An access token for the feed, and the client that has it. */
export async function createFeedToken(provider: TestProvider) {
  const client = await provider.createClient({
    grant_types: ['client_credentials'],
    redirect_uris: [],
    scope: 'revocations orders:read',
  })
  return { client, token: await requestToken(provider, client, 'revocations') }
}

export async function requestToken(
  provider: TestProvider,
  client: { clientId: string; secret: string },
  scope: string,
  resource?: string,
): Promise<string> {
  const fields = { grant_type: 'client_credentials', scope, resource }
  const { status, body } = await post(provider, '/token', client, fields)
  if (status !== 200) throw new Error(`No token: ${JSON.stringify(body)}`)
  return String(body['access_token'])
}

export function requestFeed({ config }: Pick<Node, 'config'>, request: FeedRequest = {}) {
  const { cursor, token, headers, signal } = request
  const query = cursor === undefined ? '' : `?${new URLSearchParams({ cursor }).toString()}`
  return fetch(`http://127.0.0.1:${config.port}/revocations${query}`, {
    headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
    ...(signal && { signal }),
  })
}

export async function pollFeed(node: Node, request: FeedRequest = {}): Promise<FeedDocument> {
  const response = await requestFeed(node, request)
  const text = await response.text()
  if (response.status !== 200) throw new Error(`No document: ${response.status} ${text}`)
  return verifyDocument(node, text)
}

export async function listenToFeed(node: Node, request: FeedRequest = {}): Promise<FeedStream> {
  const headers = { ...request.headers, accept: 'text/event-stream' }
  const response = await requestFeed(node, { ...request, headers })
  const chunks = response.body?.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]()
  const events: string[] = []
  let rest = ''

  async function nextEvent(): Promise<string | undefined> {
    while (!rest.includes('\n\n')) {
      const chunk = await chunks?.next().catch(() => undefined) // cut off
      if (!chunk || chunk.done === true) return undefined
      rest += chunk.value
    }
    const end = rest.indexOf('\n\n') + 2
    const event = rest.slice(0, end)
    rest = rest.slice(end)
    events.push(event)
    return event
  }

  return {
    response,
    events,
    async next() {
      const event = await nextEvent()
      return event === undefined ? undefined : verifyDocument(node, dataOf(event))
    },
    async untilEnd() {
      while ((await nextEvent()) !== undefined);
    },
  }
}

function dataOf(event: string): string {
  const data =
    /^event: revocations\nid: [\x21-\x7e]{1,64}\ndata: ([\w-]+\.[\w-]+\.[\w-]+)\n\n$/.exec(event)
  if (!data) throw new Error(`Not an event of the feed: ${event}`)
  return data[1]!
}

export async function verifyDocument(node: Node, jwt: string): Promise<FeedDocument> {
  const { payload } = await jwtVerify(
    jwt,
    createLocalJWKSet(JSON.parse(node.services.keyring.jwks().body)),
    { typ: feedType, issuer: node.issuer, algorithms: ['ES256'], currentDate: node.clock.now() },
  )
  const document = parseFeedDocument(payload)
  if (!document) throw new Error(`Not a document of the feed: ${JSON.stringify(payload)}`)
  return document
}
