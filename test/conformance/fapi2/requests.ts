/** Modules about what is asked for, and what comes back (FAPI 2.0 Security Profile §5.3.2.2). */
import { claimsByScope } from '../../../src/protocol/scopes.ts'
import { unaskedClaims } from '../../support/suite-checks.ts'
import { isRefused } from './checks.ts'
import type { Fapi2Module } from './module.ts'
import type { Fapi2Run } from './run.ts'

const openid = { openid: true }

const comesBackAs = (state: string | undefined) => async (run: Fapi2Run) => {
  const { sent, fields } = await run.authorize({ state })
  run.t.equal(fields['state'], state)
  run.t.equal(sent['state'], state)
}

const hasNonce = (nonce: string | undefined) => async (run: Fapi2Run) => {
  const { idToken } = await run.flow({ nonce })
  run.t.equal(idToken?.['nonce'], nonce)
}

const refusesResponseType = (responseType: string) => async (run: Fapi2Run) =>
  isRefused(run.t, await run.push({ response_type: responseType }), 'unsupported_response_type')

/** In an object, a fault of it is one of the object or of the request (RFC 9101 §6.3). */
async function refusesWithoutRedirectUri(run: Fapi2Run): Promise<void> {
  for (const scope of [run.client.scope, undefined])
    isRefused(run.t, await run.push({ scope, redirect_uri: undefined }), 'invalid_request')
}

export const requestModules: Fapi2Module[] = [
  {
    name: 'user-rejects-authentication',
    says: 'who does not sign in sends the client an access_denied, with the state',
    signsIn: true,
    async run(run) {
      const { fields, sent } = await run.authorize()
      run.t.match(fields, { error: 'access_denied', state: sent['state'] })
    },
  },
  {
    name: 'ensure-authorization-request-without-state-success',
    says: 'where no state is sent none comes back',
    run: comesBackAs(undefined),
  },
  {
    name: 'ensure-authorization-request-without-nonce-success',
    only: openid,
    says: 'where no nonce is sent the ID token has none',
    run: hasNonce(undefined),
  },
  {
    name: 'ensure-authorization-request-with-64-char-nonce-success',
    only: openid,
    says: 'a nonce of 64 characters comes back',
    run: hasNonce('n'.repeat(64)),
  },
  {
    name: 'ensure-authorization-request-with-long-nonce',
    only: openid,
    says: 'a nonce of 384 characters comes back whole',
    run: hasNonce('n'.repeat(384)),
  },
  {
    name: 'ensure-authorization-request-with-long-state',
    says: 'a state of 384 characters comes back whole',
    run: comesBackAs('s'.repeat(384)),
  },
  {
    name: 'ensure-other-scope-order-succeeds',
    only: openid,
    says: 'the order of the scopes means nothing',
    run: (run) => run.flow({ scope: run.client.scope.split(' ').toReversed().join(' ') }),
  },
  {
    name: 'test-claims-parameter-identity-claims',
    only: openid,
    says: 'every standard claim may be asked for by its name, and comes',
    async run(run) {
      const { t, suite, client, authorization } = run
      const supported = suite.metadata['claims_supported'] as string[]
      const standard = [...claimsByScope.values()].flat()
      t.ok(standard.every((name) => supported.includes(name)))
      const demands = Object.fromEntries(standard.map((name) => [name, null]))
      const claims = { id_token: demands, userinfo: demands, elsewhere: { unknown: null } }
      const { idToken, accessToken } = await run.flow({ claims: JSON.stringify(claims) })
      const userinfo = await client.fetch(run.endpoint('userinfo'), {
        headers: await authorization(accessToken),
      })
      const told = { ...idToken, ...((await userinfo.json()) as object) }
      t.strictSame(
        standard.filter((name) => !(name in told)),
        [],
      )
      t.strictSame(
        unaskedClaims(idToken ?? {}).filter((name) => !standard.includes(name)),
        [],
      )
    },
  },
  {
    name: 'access-token-type-header-case-sensitivity',
    says: 'the resource reads the scheme in any case (RFC 9110 §11.1)',
    async run(run) {
      const { accessToken } = await run.flow()
      for (const change of ['toUpperCase', 'toLowerCase'] as const) {
        const headers = await run.authorization(accessToken)
        const [scheme = '', token = ''] = headers['authorization']?.split(' ') ?? []
        const authorization = `${scheme[change]()} ${token}`
        run.t.equal((await run.resource(accessToken, { ...headers, authorization })).status, 200)
      }
    },
  },
  {
    name: 'ensure-different-nonce-inside-and-outside-request-object',
    only: openid,
    says: 'the nonce is the one that was pushed, whatever the browser brings',
    async run(run) {
      const response = await run.authorize({ nonce: 'inside' }, { beside: { nonce: 'outside' } })
      const { body } = await run.redeem(response)
      const [, payload = ''] = String(body['id_token']).split('.')
      run.t.match(JSON.parse(Buffer.from(payload, 'base64url').toString()), { nonce: 'inside' })
    },
  },
  {
    name: 'ensure-different-state-inside-and-outside-request-object',
    says: 'the state is the one that was pushed, whatever the browser brings',
    async run(run) {
      const { fields } = await run.authorize({ state: 'inside' }, { beside: { state: 'outside' } })
      run.t.equal(fields['state'], 'inside')
    },
  },
  {
    name: 'state-only-outside-request-object-not-used',
    says: 'a state that was not pushed does not come back',
    async run(run) {
      const { fields } = await run.authorize({ state: undefined }, { beside: { state: 'outside' } })
      run.t.strictSame(Object.keys(fields), run.variant.jarm ? ['iss', 'code'] : ['code', 'iss'])
      if (!run.variant.signed) return
      const { client, request } = run
      const object = { ...client.objectClaims(), ...request({ state: undefined }) }
      const beside = { request: await client.sign(object), state: 'outside' }
      const { body } = await run.post('pushed_authorization_request', beside)
      const { page } = await run.visit(String(body['request_uri']))
      run.t.notMatch(page.url, 'outside')
    },
  },
  {
    name: 'ensure-request-object-without-redirect-uri-fails',
    says: 'a request without a redirect URI is refused where it is pushed',
    run: refusesWithoutRedirectUri,
  },
  {
    name: 'ensure-redirect-uri-in-authorization-request',
    says: 'no registered redirect URI is taken instead',
    async run(run) {
      await refusesWithoutRedirectUri(run)
      const { clients } = run.suite.provider.services
      const { clientId } = run.client
      const { redirect_uris: registered } = (await clients.find(clientId))!.metadata
      await clients.update(clientId, { redirect_uris: registered.slice(0, 1) })
      await refusesWithoutRedirectUri(run)
      await clients.update(clientId, { redirect_uris: registered })
    },
  },
  {
    name: 'plain-fapi-tolerate-unregistered-redirect-uri',
    says: 'one that is not registered is refused where it is pushed',
    async run(run) {
      const redirect_uri = `${run.suite.addresses.callback}/other`
      isRefused(run.t, await run.push({ redirect_uri }), 'invalid_request')
    },
  },
  {
    name: 'ensure-unsigned-authorization-request-without-using-par-fails',
    says: 'what was not pushed is refused, signed or not',
    async run(run) {
      const { t, suite, browser, client, request, endpoint, variant } = run
      const sent = request({ response_mode: undefined })
      const object = { ...client.objectClaims(), ...sent }
      const queries = [
        sent,
        ...(variant.auth === 'private_key_jwt'
          ? [{ client_id: client.clientId, request: await client.sign(object) }]
          : []),
      ]
      for (const query of queries) {
        const search = new URLSearchParams(query as Record<string, string>).toString()
        const { page } = await browser.visit(`${endpoint('authorization')}?${search}`)
        t.ok(page.url.startsWith(`${suite.addresses.callback}?`), page.url)
        t.match(Object.fromEntries(new URL(page.url).searchParams), {
          error: 'invalid_request',
          state: sent['state'],
          code: undefined,
        })
      }
    },
  },
  {
    name: 'ensure-response-type-code-idtoken-fails',
    says: 'no tokens come through the browser, an ID token neither',
    run: refusesResponseType('code id_token'),
  },
  {
    name: 'ensure-response-type-token-fails',
    says: 'nor an access token',
    run: refusesResponseType('token'),
  },
]
