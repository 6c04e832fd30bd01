/** A process that follows a feed until the stream is open, and then has nothing more to do. */
import { createFollower } from '../../src/verifier/follower.ts'
import { defaultRuntime } from '../../src/verifier/runtime.ts'
import { decodeJwt } from 'jose'

const [issuer = ''] = process.argv.slice(2)
const follower = createFollower({
  ...defaultRuntime,
  // The test's issuer lives in another time.
  now: () => Date.UTC(2030, 0, 1),
  public: true,
  issuer,
  metadata: { get: async () => ({ revocation_feed_endpoint: `${issuer}/revocations` }) },
  verifySignature: async (jws) => ({
    header: { alg: 'EdDSA', kid: 'key-1' },
    payload: decodeJwt(jws),
    key: { kid: 'key-1', byAlgorithm: new Map(), jwk: '' },
  }),
  onEvent({ type, detail }) {
    if (type !== 'feed_connected' || detail !== 'stream') return
    follower.close()
    process.stdout.write(`${detail}\n`)
  },
})
follower.start()
