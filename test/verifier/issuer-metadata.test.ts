import t from 'tap'
import { VerificationError } from '../../src/verifier/errors.ts'
import { createIssuerMetadata } from '../../src/verifier/issuer-metadata.ts'
import { createTestClock, createTestIssuer, metadataPath } from './test-issuer.ts'

const oauthPath = '/.well-known/oauth-authorization-server'

async function failureOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'none'
  } catch (error) {
    return error instanceof VerificationError ? `${error.code}: ${error.detail}` : String(error)
  }
}

t.test('the metadata is found where OpenID Connect or RFC 8414 puts it', async (t) => {
  const { issuer: origin, answer, requests } = await createTestIssuer(t)
  answer(metadataPath, 404)
  const rows: [issuer: string, path: string][] = [
    [origin, metadataPath],
    [`${origin}/`, metadataPath],
    [`${origin}/tenant`, `/tenant${metadataPath}`],
    [`${origin}/tenant/`, `/tenant${metadataPath}`],
    [origin, oauthPath],
    [`${origin}/tenant`, `${oauthPath}/tenant`],
    [`${origin}/tenant/`, `${oauthPath}/tenant`],
  ]
  for (const [issuer, path] of rows) {
    const metadata = { issuer, jwks_uri: `${issuer}/keys`, more: 1 }
    answer(path, metadata)
    const source = createIssuerMetadata({ ...createTestClock(), issuer })
    t.strictSame(await source.get(), metadata, `${issuer} at ${path}`)
    t.equal(requests.at(-1), path)
    answer(path, 404)
  }
})

t.test('metadata of another issuer, or without keys, is none', async (t) => {
  const { issuer, jwksUri, answer } = await createTestIssuer(t)
  const rows: [metadata: object, reason: RegExp][] = [
    [{ issuer: `${issuer}/`, jwks_uri: jwksUri }, /is of ".*\/", not of http/],
    [{ jwks_uri: jwksUri }, /is of undefined/],
    [{ issuer }, /no jwks_uri/],
    [{ issuer, jwks_uri: 'no URL' }, /jwks_uri in the metadata is not/],
    [{ issuer, jwks_uri: 7 }, /jwks_uri in the metadata is not/],
    [{ issuer, jwks_uri: 'file:///etc/keys' }, /jwks_uri in the metadata is not/],
    [{ issuer, jwks_uri: jwksUri, token_endpoint: 'ftp://x' }, /token_endpoint in the metadata/],
    [{ issuer, jwks_uri: jwksUri, revocation_feed_endpoint: '' }, /revocation_feed_endpoint in/],
  ]
  for (const [metadata, reason] of rows) {
    answer(metadataPath, metadata)
    const source = createIssuerMetadata({ ...createTestClock(), issuer })
    t.match(await failureOf(source.get()), reason)
  }
})

t.test('the second place is asked whatever the first one answers', async (t) => {
  const { issuer, jwksUri, answer } = await createTestIssuer(t)
  answer(oauthPath, { issuer, jwks_uri: jwksUri })
  answer(metadataPath, { issuer: 'https://other.example', jwks_uri: jwksUri })
  const source = createIssuerMetadata({ ...createTestClock(), issuer })
  t.match(await source.get(), { issuer })
})

t.test('an https: issuer leads to https: only', async (t) => {
  const issuer = 'https://issuer.example'
  const fetch = async () =>
    new Response(JSON.stringify({ issuer, jwks_uri: 'http://issuer.example/jwks' }))
  const source = createIssuerMetadata({ ...createTestClock(), issuer, fetch })
  t.match(await failureOf(source.get()), /jwks_uri in the metadata is not an https: URL/)
})

t.test('it is kept for an hour, and a failure for a second', async (t) => {
  const { issuer, stop, start, requests } = await createTestIssuer(t)
  const clock = createTestClock()
  const source = createIssuerMetadata({ ...clock, issuer })
  await stop()
  t.match(await failureOf(source.get()), /keys_unavailable: .*ECONNREFUSED/)
  await start()
  t.match(await failureOf(source.get()), /ECONNREFUSED/)
  t.strictSame(requests, [])
  clock.advance(1)
  await Promise.all([source.get(), source.get()])
  clock.advance(2699)
  await source.get()
  t.strictSame(requests, [metadataPath])
  clock.advance(901)
  await source.get()
  t.strictSame(requests, [metadataPath, metadataPath])
})
