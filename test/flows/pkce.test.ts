/** Proof Key for Code Exchange: who must use it, and that it cannot be got around (RFC 7636, OAuth 2.1 §7.5.1). */
import t from 'tap'
import { authorize, redeem, signIn, type Fields } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'

const withoutPkce = { code_challenge: undefined, code_challenge_method: undefined }

t.test('PKCE', async (t) => {
  const provider = await createTestProvider(t)
  await provider.createUser()
  const browser = await signIn(provider)
  const createClient = (metadata: object) =>
    provider.createClient({ skip_consent: true, ...metadata })
  const publicClient = await createClient({ token_endpoint_auth_method: 'none' })
  const confidential = await createClient({})

  async function refusal(client: typeof confidential, changes: Fields) {
    const { code, error, error_description, iss } = await authorize(
      provider,
      browser,
      client,
      changes,
    )
    t.equal(code, undefined)
    t.equal(iss, provider.issuer)
    return `${error}: ${error_description}`
  }

  t.test('a public client must use it: a nonce is no excuse (OAuth 2.1 §7.5.1)', async (t) => {
    t.match(
      await refusal(publicClient, withoutPkce),
      /^invalid_request: .*code_challenge.*missing.*S256/,
    )
    const { code } = await authorize(provider, browser, publicClient)
    t.equal((await redeem(provider, publicClient, code)).status, 200)
  })

  t.test('an OpenID nonce excuses a confidential client (OAuth 2.1 §7.5.1)', async (t) => {
    const { code } = await authorize(provider, browser, confidential, withoutPkce)
    const answer = await redeem(provider, confidential, code, { code_verifier: undefined })
    t.equal(answer.status, 200)
  })

  t.test('without nonce, or with one outside OpenID, it must use PKCE', async (t) => {
    for (const changes of [{ nonce: undefined }, { nonce: '' }, { scope: 'profile' }])
      t.match(
        await refusal(confidential, { ...withoutPkce, ...changes }),
        /^invalid_request: .*code_challenge/,
      )
  })

  t.test('require_pkce: true takes the exception away from a client', async (t) => {
    const strict = await createClient({ require_pkce: true })
    t.match(await refusal(strict, withoutPkce), /^invalid_request: .*code_challenge/)
  })

  t.test('require_pkce: false frees a confidential client of it', async (t) => {
    const loose = await createClient({ require_pkce: false })
    const changes = { ...withoutPkce, nonce: undefined, scope: 'profile' }
    const { code } = await authorize(provider, browser, loose, changes)
    const answer = await redeem(provider, loose, code, { code_verifier: undefined })
    t.equal(answer.status, 200)
    const guarded = await authorize(provider, browser, loose)
    const without = await redeem(provider, loose, guarded['code'], { code_verifier: undefined })
    t.match(without, { status: 400, body: { error: 'invalid_grant' } })
  })

  t.test('only S256: plain is refused, named or by default (RFC 9700 §2.1.1)', async (t) => {
    const refused: Fields[] = [
      { code_challenge_method: 'plain' },
      { code_challenge_method: undefined },
      { code_challenge_method: 's256' },
      { code_challenge: undefined },
      { code_challenge: 'too-short' },
      { code_challenge: `${'a'.repeat(42)}=` },
    ]
    for (const client of [publicClient, confidential])
      for (const changes of refused)
        t.match(await refusal(client, changes), /^invalid_request: .*code_challenge/)
  })

  t.test('a wrong, malformed or missing verifier is invalid_grant (RFC 7636 §4.6)', async (t) => {
    for (const client of [publicClient, confidential]) {
      const { code } = await authorize(provider, browser, client)
      for (const verifier of ['x'.repeat(43), 'short', 'x'.repeat(129), '', undefined]) {
        const answer = await redeem(provider, client, code, { code_verifier: verifier })
        t.match(answer, { status: 400, body: { error: 'invalid_grant' } })
        t.match(answer.body['error_description'], /code_verifier/)
      }
      t.equal((await redeem(provider, client, code)).status, 200, 'the right one still works')
    }
  })

  t.test('a verifier for a code without challenge is a downgrade (RFC 9700 §4.8.2)', async (t) => {
    const { code } = await authorize(provider, browser, confidential, withoutPkce)
    const answer = await redeem(provider, confidential, code)
    t.match(answer, { status: 400, body: { error: 'invalid_grant' } })
    t.match(answer.body['error_description'], /code_verifier.*code_challenge/)
  })
})
