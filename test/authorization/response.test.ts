import * as fc from 'fast-check'
import t from 'tap'
import { resolveRecipient } from '../../src/authorization/recipient.ts'
import { errorResponse, successResponse } from '../../src/authorization/response.ts'
import { OAuthError } from '../../src/protocol/errors.ts'
import { Params } from '../../src/protocol/params.ts'
import { registryOf, toClient } from './clients.ts'

const issuer = 'https://issuer.example/tenant'
const uri = 'https://app.example/cb'

function recipientOf(redirectUri: string, params: Record<string, string> = {}) {
  const isApp = !redirectUri.startsWith('http')
  const client = toClient({
    redirect_uris: [redirectUri],
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
      t.strictSame(successResponse(recipient, { issuer, code: 'C' }), {
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
    t.strictSame(successResponse(recipient, { issuer, code: 'C' }), {
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
  t.strictSame(errorResponse(recipient, { issuer, error }), {
    kind: 'redirect',
    location: `${uri}#error=invalid_scope&error_description=Ask+for+less.&state=%C3%A9&iss=${encodeURIComponent(issuer)}`,
  })
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
          const response = successResponse(recipient, { issuer, code: 'C' })
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
