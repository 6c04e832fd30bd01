/** A client's endpoint for logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.5): answers as the test says, keeps what comes. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose'
import type { Test } from 'tap'
import { createLogoutDelivery } from '../../src/services/background.ts'
import type { ServiceOptions } from '../../src/services/admin.ts'
import type { Services } from '../../src/services/index.ts'
import type { TestProvider } from './provider.ts'

export interface ReceivedLogout {
  headers: IncomingMessage['headers']
  fields: Record<string, string>
  response: ServerResponse
}

export interface LogoutReceiver {
  uri: string
  received: ReceivedLogout[]
  /** Begins with an empty 200. */
  answer: (response: ServerResponse) => void
  /** Resolves once so many have come in all. */
  whenReceived(count: number): Promise<void>
}

export async function createLogoutReceiver(t: Test): Promise<LogoutReceiver> {
  const server = createServer((request, response) => void receive(request, response))
  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fields = Object.fromEntries(new URLSearchParams(await text(request)))
    receiver.received.push({ headers: request.headers, fields, response })
    receiver.answer(response)
    server.emit('received')
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const receiver: LogoutReceiver = {
    uri: `http://127.0.0.1:${port}/backchannel_logout`,
    received: [],
    answer: (response) => response.end(),
    async whenReceived(count) {
      while (receiver.received.length < count) await once(server, 'received')
    },
  }
  return receiver
}

/** Checked as a client would, by the keys that the provider publishes. */
export async function verifyLogoutToken(
  { issuer, clock }: Pick<TestProvider, 'issuer' | 'clock'>,
  { fields }: ReceivedLogout,
  audience: string,
  send: typeof fetch = fetch,
) {
  const jwks = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`), {
    [customFetch]: send,
  })
  const { payload } = await jwtVerify(fields['logout_token'] ?? '', jwks, {
    issuer,
    audience,
    typ: 'logout+jwt',
    currentDate: clock.now(),
  })
  return payload
}

/** What a node does in the background, by hand; and what it logs. */
export function createDeliveringNode(
  options: ServiceOptions,
  services: Pick<Services, 'keyring' | 'audit'>,
) {
  const logged: { details: object; message: string }[] = []
  const log = (details: object, message: string) => void logged.push({ details, message })
  const job = createLogoutDelivery(options, services, {
    log: { info: log, warn: log },
    random: () => 0,
    timeoutMilliseconds: 60_000,
  })
  return { ...job, logged }
}
