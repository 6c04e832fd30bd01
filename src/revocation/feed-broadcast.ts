/** Those who listen to the feed: each catches up from its own cursor, from then on all get the same documents. */
import { OAuthError } from '../protocol/errors.ts'
import type { FeedDocuments, SignedDocument } from './feed-documents.ts'
import type { RevocationFeed } from './feed.ts'
import { createPace, setUnrefTimer, type SetTimer } from './pace.ts'

/** The stream to one reader. */
export interface Connection {
  send(event: Buffer): void
  /** What was sent and is not taken yet. */
  pendingBytes(): number
  /** Resolves when so much is taken that more can be sent, or the connection has ended. */
  drained(): Promise<void>
  hasEnded(): boolean
  ended: Promise<void>
  /** At once: what is pending is lost. Logs a reason that concerns this reader alone. */
  end(reason?: string): void
}

export interface Listening {
  /** Where the reader is; undefined at the beginning. */
  cursor: string | undefined
  /** Asked before each document; the stream ends when it is not. */
  isWelcome: () => boolean
  /** Begins the answer; not called when there is to be another one. */
  connect: () => Connection
}

export interface FeedBroadcast {
  /** Resolves when the stream has begun. Throws what is to be answered instead. */
  open(listening: Listening): Promise<void>
  /** Ends all streams. */
  close(): void
  /** How many listen at this node. */
  listeners(): number
}

interface Listener extends Pick<Listening, 'isWelcome'> {
  cursor: string
  connection: Connection
  /** Has caught up, and gets what all get. */
  isLive: boolean
}

/** The kernel's own buffers are full long before. */
const maxPendingBytes = 1024 * 1024
const longestDrainSeconds = 30

export function createFeedBroadcast({
  feed,
  documents,
  heartbeatSeconds,
  maxListeners,
  onError,
  setTimer = setUnrefTimer,
}: {
  feed: Pick<RevocationFeed, 'cursor' | 'onChange'>
  documents: FeedDocuments
  heartbeatSeconds: number
  maxListeners: number
  /** Hears of documents that could not be signed. */
  onError: (error: unknown) => void
  setTimer?: SetTimer
}): FeedBroadcast {
  const listeners = new Set<Listener>()
  let places = maxListeners
  let isClosed = false
  const pace = createPace({
    send: () => sendToAll().catch(onError),
    heartbeatMilliseconds: heartbeatSeconds * 1000,
    restMilliseconds: () => Math.min(20 + listeners.size / 10, 500), // the more listeners, the fewer documents
    setTimer,
  })
  const ignoreFeed = feed.onChange(() => pace.hurry())

  async function sendToAll(): Promise<void> {
    for (const [cursor, group] of liveByCursor(listeners)) {
      const document = await documents.after(cursor)
      const event = toEvent(document)
      for (const listener of group) {
        give(listener, document, event)
        if (document.hasMore) follow(listener)
      }
    }
  }

  function give(listener: Listener, document: SignedDocument, event = toEvent(document)): void {
    const { connection, isWelcome } = listener
    if (connection.hasEnded()) return
    if (!isWelcome()) return connection.end('its access token counts no more')
    if (connection.pendingBytes() > maxPendingBytes) return connection.end('it does not read')
    connection.send(event)
    listener.cursor = document.cursor
  }

  function follow(listener: Listener): void {
    listener.isLive = false
    catchUp(listener).catch((error: unknown) => {
      onError(error)
      listener.connection.end('a document could not be signed')
    })
  }

  async function catchUp(listener: Listener): Promise<void> {
    const { connection } = listener
    for (;;) {
      const cancel = setTimer(() => connection.end('it does not read'), longestDrainSeconds * 1000)
      await connection.drained()
      cancel()
      if (connection.hasEnded()) return
      if (listener.cursor === feed.cursor()) break
      give(listener, await documents.after(listener.cursor))
    }
    listener.isLive = true // in the same turn, so that no change comes between
  }

  async function begin({ cursor, isWelcome, connect }: Listening): Promise<void> {
    const document = await documents.after(cursor)
    if (isClosed) throw unavailable('The server is stopping. Listen to another one.')
    const connection = connect()
    const listener: Listener = { isWelcome, connection, cursor: document.cursor, isLive: false }
    listeners.add(listener)
    void connection.ended.then(() => {
      places += 1
      listeners.delete(listener)
    })
    give(listener, document)
    follow(listener)
  }

  return {
    async open(listening) {
      if (places === 0)
        throw unavailable('As many are listening as this server takes. Poll, or try again later.')
      places -= 1
      await begin(listening).catch((error: unknown) => {
        places += 1
        throw error
      })
    },

    listeners: () => listeners.size,

    close() {
      isClosed = true
      ignoreFeed()
      pace.stop()
      for (const { connection } of listeners) connection.end()
    },
  }
}

/** Those that get what is sent to all. They are at one cursor, but for who has just come. */
function liveByCursor(listeners: Iterable<Listener>): Map<string, Listener[]> {
  const groups = new Map<string, Listener[]>()
  for (const listener of listeners) {
    if (!listener.isLive) continue
    const group = groups.get(listener.cursor)
    if (group) group.push(listener)
    else groups.set(listener.cursor, [listener])
  }
  return groups
}

/** The id lets an EventSource that reconnects say how far it has come. */
function toEvent({ cursor, jwt }: SignedDocument): Buffer {
  return Buffer.from(`event: revocations\nid: ${cursor}\ndata: ${jwt}\n\n`)
}

function unavailable(description: string): OAuthError {
  return new OAuthError('temporarily_unavailable', description, { headers: { 'retry-after': '5' } })
}
