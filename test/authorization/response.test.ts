import * as fc from 'fast-check'
import t from 'tap'
import { resolveRecipient } from '../../src/authorization/recipient.ts'
import { createAuthorizationResponses } from '../../src/authorization/response.ts'
import { OAuthError } from '../../src/protocol/errors.ts'
import { Params } from '../../src/protocol/params.ts'
import { registryOf, toClient } from './clients.ts'

const issuer = 'https://issuer.example/tenant'
const uri = 'https://app.example/cb'
const now = new Date('2026-01-02T03:04:05.900Z')

/** In the place of the signature: what was to be signed, and how. */
const sign = async (alg: string, typ: string, claims: object) =>
  JSON.stringify({ alg, typ, ...claims })
const responses = createAuthorizationResponses({
  issuer,
  keyring: { sign },
  clock: { now: () => now },
})

function recipientOf(
  redirectUri: string,
  params: Record<string, string> = {},
  metadata: object = {},
) {
  const isApp = !redirectUri.startsWith('http')
  const client = toClient({
    redirect_uris: [redirectUri],
    ...metadata,
    ...(isApp && { application_type: 'native', token_endpoint_auth_method: 'none' }),
  })
  return resolveRecipient(
    new Params(Object.entries({ client_id: 'app', ...params })),
    registryOf(client),
  )
}

t.test(
  'the code, state and iss, where the response mode puts them (RFC 6749 §4.1.2, RFC 9207)',
  async (t) => {
    const encodedIssuer = encodeURIComponent(issuer)
    const rows: [redirectUri: string, params: Record<string, string>, location: string][] = [
      [uri, {}, `${uri}?code=C&iss=${encodedIssuer}`],
      [uri, { state: 's' }, `${uri}?code=C&state=s&iss=${encodedIssuer}`],
      [`${uri}?a=1`, { state: 's' }, `${uri}?a=1&code=C&state=s&iss=${encodedIssuer}`],
      [uri, { response_mode: 'fragment' }, `${uri}#code=C&iss=${encodedIssuer}`],
      [`${uri}?a=1`, { response_mode: 'fragment' }, `${uri}?a=1#code=C&iss=${encodedIssuer}`],
      ['com.example.app:/cb', {}, `com.example.app:/cb?code=C&iss=${encodedIssuer}`],
      [
        uri,
        { state: 'a b&c=d#e%é"<' },
        `${uri}?code=C&state=a+b%26c%3Dd%23e%25%C3%A9%22%3C&iss=${encodedIssuer}`,
      ],
    ]
    for (const [redirectUri, params, location] of rows) {
      const recipient = await recipientOf(redirectUri, params)
      t.strictSame(await responses.withCode(recipient, 'C'), {
        kind: 'redirect',
        location,
      })
    }
  },
)

t.test(
  'form_post carries the same as fields of a form (OAuth 2.0 Form Post Response Mode §2)',
  async (t) => {
    const state = '"><script>&'
    const recipient = await recipientOf(`${uri}?a=1`, { response_mode: 'form_post', state })
    t.strictSame(await responses.withCode(recipient, 'C'), {
      kind: 'form-post',
      action: `${uri}?a=1`,
      fields: [
        ['code', 'C'],
        ['state', state],
        ['iss', issuer],
      ],
    })
  },
)

t.test('a refusal has its code, its description, state and iss (RFC 6749 §4.1.2.1)', async (t) => {
  const error = new OAuthError('invalid_scope', 'Ask for less.', { detail: 'for the log only' })
  const recipient = await recipientOf(uri, { state: 'é', response_mode: 'fragment' })
  t.strictSame(await responses.withError(recipient, error), {
    kind: 'redirect',
    location: `${uri}#error=invalid_scope&error_description=Ask+for+less.&state=%C3%A9&iss=${encodeURIComponent(issuer)}`,
  })
})

t.test(
  'a signed response has everything in one JWT, and nothing beside it (JARM §2)',
  async (t) => {
    const claims = { iss: issuer, aud: 'app', exp: 1767323165, code: 'C', state: 's' }
    const rows: [mode: string, metadata: object, alg: string, at: string][] = [
      ['jwt', {}, 'RS256', `${uri}?response=`],
      ['query.jwt', { id_token_signed_response_alg: 'ES256' }, 'ES256', `${uri}?response=`],
      ['fragment.jwt', { authorization_signed_response_alg: 'PS256' }, 'PS256', `${uri}#response=`],
    ]
    for (const [response_mode, metadata, alg, at] of rows) {
      const recipient = await recipientOf(uri, { state: 's', response_mode }, metadata)
      const response = await responses.withCode(recipient, 'C')
      const location = response.kind === 'redirect' ? response.location : ''
      t.ok(location.startsWith(at), response_mode)
      const sent = [...new URLSearchParams(location.slice(at.length - 'response='.length))]
      t.equal(sent.length, 1, response_mode)
      t.strictSame(JSON.parse(sent[0]?.[1] ?? ''), { alg, typ: 'JWT', ...claims }, response_mode)
    }
  },
)

t.test('so have an error, and a form (JARM §2.3.3)', async (t) => {
  const recipient = await recipientOf(uri, { response_mode: 'form_post.jwt' })
  const response = await responses.withError(recipient, new OAuthError('access_denied', 'No.'))
  const claims = { iss: issuer, aud: 'app', exp: 1767323165 }
  const error = { error: 'access_denied', error_description: 'No.' }
  t.strictSame(response, {
    kind: 'form-post',
    action: uri,
    fields: [['response', JSON.stringify({ alg: 'RS256', typ: 'JWT', ...claims, ...error })]],
  })
})

t.test('without a key there is no response at all', async (t) => {
  const unavailable = new OAuthError('temporarily_unavailable', 'No key.')
  const failing = createAuthorizationResponses({
    issuer,
    keyring: { sign: () => Promise.reject(unavailable) },
    clock: { now: () => now },
  })
  const recipient = await recipientOf(uri, { response_mode: 'jwt' })
  await t.rejects(failing.withCode(recipient, 'C'), unavailable)
  await t.rejects(failing.withError(recipient, new OAuthError('access_denied', 'No.')), unavailable)
})

t.test(
  'whatever the state, a client reads exactly it, and the redirect URI stays what it was',
  async (t) => {
    const inputs = fc.record({
      state: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
      redirectUri: fc.constantFrom(uri, `${uri}?a=1`, `${uri}?code=theirs&x=%26`),
      responseMode: fc.constantFrom('query', 'fragment'),
    })
    await t.resolves(
      fc.assert(
        fc.asyncProperty(inputs, async ({ state, redirectUri, responseMode }) => {
          const recipient = await recipientOf(redirectUri, { state, response_mode: responseMode })
          const response = await responses.withCode(recipient, 'C')
          if (response.kind !== 'redirect' || !response.location.startsWith(redirectUri))
            return false
          const { search, hash } = new URL(response.location)
          const sent = new URLSearchParams((responseMode === 'query' ? search : hash).slice(1))
          return sent.getAll('state').join() === state && sent.getAll('code').at(-1) === 'C'
        }),
        { numRuns: 200 },
      ),
    )
  },
)
