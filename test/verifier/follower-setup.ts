/** A follower of a feed that the test controls, in time that the test controls. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Test } from 'tap'
import { createFollower, type FollowOptions, type Follower } from '../../src/verifier/follower.ts'
import type { VerifierEvent } from '../../src/verifier/events.ts'
import { createIssuerMetadata } from '../../src/verifier/issuer-metadata.ts'
import { createVerifySignature } from '../../src/verifier/jws.ts'
import { createKeySet } from '../../src/verifier/key-set.ts'
import { isRevoked, type TokenOrigin } from '../../src/verifier/not-before.ts'
import { defaultRuntime } from '../../src/verifier/runtime.ts'
import { signatureAlgorithms } from '../../src/verifier/verification-keys.ts'
import { createFeedServer, type FeedServer, type FeedServerOptions } from './feed-server.ts'
import { createTestTime, until, type TestTime } from './test-time.ts'

export interface Following {
  time: TestTime
  server: FeedServer
  follower: Follower
  events: VerifierEvent[]
  /** How many documents were verified. */
  verified(): number
  isRevoked(origin: TokenOrigin): Promise<boolean>
  /** Waits until the follower, once started, waits for time to pass or for its stream. */
  settle(): Promise<void>
  /** Lets time pass until the condition holds, and none while the follower waits for an answer. */
  pass(condition: () => unknown): Promise<void>
}

/** What a request has to be answered. */
const timeoutMilliseconds = 10_000

export async function createTestFollower(
  t: Pick<Test, 'teardown'>,
  options: FollowOptions = { public: true },
  serverOptions: FeedServerOptions = {},
): Promise<Following> {
  const time = createTestTime()
  const server = await createFeedServer(t, time, serverOptions)
  const events: VerifierEvent[] = []
  let verified = 0
  let verifying = 0
  const { now, monotonic, setTimer } = time
  const runtime = { fetch: defaultRuntime.fetch, now, monotonic, setTimer }
  const metadata = createIssuerMetadata({ issuer: server.issuer, ...runtime })
  const verifySignature = createVerifySignature({
    keys: createKeySet({
      findUri: async () => (await metadata.get()).jwks_uri,
      algorithms: signatureAlgorithms,
      timings: { maxAgeSeconds: 600, cooldownSeconds: 10, staleSeconds: 86_400 },
      ...runtime,
      emit: () => {},
    }),
    algorithms: signatureAlgorithms,
  })
  const follower = createFollower({
    ...options,
    ...runtime,
    issuer: server.issuer,
    metadata,
    async verifySignature(...args) {
      verifying += 1
      try {
        const result = await verifySignature(...args)
        verified += 1
        return result
      } finally {
        verifying -= 1
      }
    },
    onEvent: (event) => void events.push(event),
    random: () => 0.9,
  })
  t.teardown(() => follower.close())

  async function settle(): Promise<void> {
    await turn() // timers that were fired have their effects first
    await until(() => {
      const waiting = time.waiting()
      return verifying === 0 && waiting.length > 1 && !waiting.includes(timeoutMilliseconds)
    })
  }

  return {
    time,
    server,
    follower,
    events,
    verified: () => verified,
    settle,
    async pass(condition) {
      for (;;) {
        await settle()
        if (condition()) return
        time.advance(250)
      }
    },
    isRevoked: async (origin) => isRevoked(origin, await follower.find(origin)),
  }
}
