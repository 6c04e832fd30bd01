/** LISTEN on a connection of its own that comes back by itself. Behind a pooler that does not carry NOTIFY it stays silent. */
import { setTimeout as delay } from 'node:timers/promises'
import { escapeIdentifier, type Client } from 'pg'

export interface ListenerOptions {
  createClient: () => Client
  onError: (error: unknown) => void
  random?: () => number
}

export interface Listener {
  listen(channel: string, onChange: (payload: string) => void): () => Promise<void>
  close(): Promise<void>
}

type Subscriber = (payload: string) => void

const heartbeatMilliseconds = 30_000
const firstPauseMilliseconds = 100
const longestPauseMilliseconds = 5_000

export function createListener({
  createClient,
  onError,
  random = Math.random,
}: ListenerOptions): Listener {
  const channels = new Map<string, Set<Subscriber>>()
  const closing = new AbortController()
  let running: Promise<void> | undefined
  let connected: Client | undefined

  function call(subscriber: Subscriber, payload: string): void {
    try {
      subscriber(payload)
    } catch (error) {
      onError(error)
    }
  }

  /** Tells the subscribers of a channel to look anew, once it is listened to. */
  async function join(client: Client, channel: string): Promise<void> {
    await client.query(`listen ${escapeIdentifier(channel)}`)
    for (const subscriber of channels.get(channel) ?? []) call(subscriber, '')
  }

  /** One connection, from beginning to end. Answers whether it had been made. */
  async function hold(): Promise<boolean> {
    const client = createClient()
    const ended = new Promise<void>((resolve) => client.once('end', resolve))
    client.on('error', onError)
    client.on('notification', ({ channel, payload = '' }) => {
      for (const subscriber of channels.get(channel) ?? []) call(subscriber, payload)
    })
    const hangUp = () => void client.end().catch(onError)
    closing.signal.addEventListener('abort', hangUp)
    let heartbeat: NodeJS.Timeout | undefined
    try {
      await Promise.race([client.connect(), ended]) // hung up meanwhile, connect() never settles
      connected = client
      for (const channel of channels.keys()) await join(client, channel)
      heartbeat = setInterval(() => {
        client.query('select 1').catch(hangUp)
      }, heartbeatMilliseconds)
      await ended
      return true
    } catch (error) {
      if (!closing.signal.aborted) onError(error)
      hangUp()
      return false
    } finally {
      connected = undefined
      clearInterval(heartbeat)
      closing.signal.removeEventListener('abort', hangUp)
    }
  }

  async function run(): Promise<void> {
    let pause = firstPauseMilliseconds
    while (!closing.signal.aborted) {
      if (await hold()) pause = firstPauseMilliseconds
      const jittered = pause * (0.5 + random() / 2)
      await delay(jittered, undefined, { signal: closing.signal }).catch(() => {})
      pause = Math.min(pause * 2, longestPauseMilliseconds)
    }
  }

  return {
    listen(channel, onChange) {
      const subscriber: Subscriber = (payload) => onChange(payload)
      const subscribers = channels.get(channel) ?? new Set()
      channels.set(channel, subscribers.add(subscriber))
      running ??= run()
      if (connected) join(connected, channel).catch(onError)
      return async () => {
        subscribers.delete(subscriber)
      }
    },
    async close() {
      closing.abort()
      await running
    },
  }
}
