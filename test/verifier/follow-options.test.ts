import t from 'tap'
import { readFollowOptions, type FollowOptions } from '../../src/verifier/follow-options.ts'

const issuer = 'https://issuer.example'
const accessToken = async () => 'token'
const read = (options: FollowOptions) => readFollowOptions(options, issuer)

t.test('what is not said has a default', async (t) => {
  t.strictSame(read({ public: true }), {
    credentials: { type: 'none' },
    endpoint: undefined,
    mode: 'stream',
    pollMilliseconds: 5000,
    maxAgeMilliseconds: 60_000,
    whenStale: 'refuse',
  })
  t.equal(read({ public: true, maxFeedAgeSeconds: 4 }).pollMilliseconds, 2000)
})

t.test('what can never work is refused at once, by its name', async (t) => {
  const rows: [options: FollowOptions, message: RegExp][] = [
    [{}, /clientId and clientSecret, or accessToken, or public/],
    [{ clientId: 'C' }, /exactly one/],
    [{ clientSecret: 'S', public: true }, /exactly one/],
    [{ accessToken, public: true }, /exactly one/],
    [{ accessToken, clientId: 'C', clientSecret: 'S' }, /exactly one/],
    [{ public: true, maxFeedAgeSeconds: 2 }, /^maxFeedAgeSeconds/],
    [{ public: true, maxFeedAgeSeconds: NaN }, /^maxFeedAgeSeconds/],
    [{ public: true, maxFeedAgeSeconds: Infinity }, /^maxFeedAgeSeconds/],
    [{ public: true, pollSeconds: 0.4 }, /^pollSeconds/],
    [{ public: true, pollSeconds: 60 }, /^pollSeconds must be less/],
    [{ public: true, mode: 'push' as 'poll' }, /^mode .*"push"/],
    [{ public: true, whenStale: 'ignore' as 'accept' }, /^whenStale .*"ignore"/],
    [{ public: true, endpoint: '/revocations' }, /^endpoint must be an https URL/],
    [
      { public: true, endpoint: 'http://issuer.example/revocations' },
      /^endpoint must be an https URL/,
    ],
  ]
  for (const [options, message] of rows) t.throws(() => read(options), { message })
})
