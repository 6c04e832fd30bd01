/** Modules of the Basic OP plan about the authorization request itself (OpenID Connect Core §3.1.2, RFC 6749 §4.1). */
import { createHash } from 'node:crypto'
import { UnsecuredJWT } from 'jose'
import type { Fields } from '../../support/flow.ts'
import { unaskedClaims } from '../../support/suite-checks.ts'
import type { Run } from '../../support/suite-run.ts'
import type { Module } from '../module.ts'

const succeedsWith = (changes: Fields) => async (run: Run) => {
  await run.flow(changes)
}

const userinfoBy = (how: 'get' | 'post-header' | 'post-body') => async (run: Run) => {
  const { tokens, idToken } = await run.flow()
  const answer = await run.userinfo(String(tokens['access_token']), how)
  run.t.hasStrict(answer, { status: 200, body: { sub: idToken.sub } })
}

/** An error page at the endpoint, and nobody is sent anywhere. */
const staysHere = (changes: (callback: string) => Fields) => async (run: Run) => {
  const { t, suite } = run
  const { page, pictures } = await run.visit(changes(suite.addresses.callback))
  t.ok(page.url.startsWith(`${suite.issuer}/authorize?`))
  t.match(page.headers.get('content-type'), /^text\/html/)
  t.equal(pictures.length, 1)
}

/** The suite skips what it sees is not advertised. Ignoring a request object would let it be left out on the way. */
async function refusesUnsigned({ t, suite, open }: Run, changes: Fields): Promise<void> {
  const algorithms = suite.metadata['request_object_signing_alg_values_supported'] as string[]
  t.notOk(algorithms.includes('none'))
  const request = new UnsecuredJWT({ redirect_uri: suite.addresses.callback }).encode()
  const page = await open({ request, ...changes })
  t.ok(page.url.startsWith(`${suite.issuer}/authorize?`))
  t.match(page, { status: 400, html: 'Error <code>invalid_re' })
}

export const requestModules: Module[] = [
  {
    name: 'oidcc-server',
    says: 'a code flow ends in tokens that verify, and the ID token has no claim that nobody asked for',
    async run({ t, flow }) {
      const { idToken } = await flow()
      t.strictSame(unaskedClaims(idToken), [])
    },
  },
  {
    name: 'oidcc-response-type-missing',
    says: 'a request without response_type is refused where the client hears of it',
    async run({ t, authorize }) {
      const { fields } = await authorize({ response_type: undefined })
      t.match(fields['error'], /^(invalid_request|unsupported_response_type)$/)
    },
  },
  {
    name: 'oidcc-userinfo-get',
    says: 'userinfo answers a GET',
    run: userinfoBy('get'),
  },
  {
    name: 'oidcc-userinfo-post-header',
    says: 'userinfo answers a POST with the token in the Authorization header',
    run: userinfoBy('post-header'),
  },
  {
    name: 'oidcc-userinfo-post-body',
    says: 'userinfo answers a POST with the token in the form',
    run: userinfoBy('post-body'),
  },
  {
    name: 'oidcc-ensure-request-without-nonce-succeeds-for-code-flow',
    says: 'the nonce is optional in the code flow',
    run: succeedsWith({ nonce: undefined }),
  },
  {
    name: 'oidcc-display-page',
    says: 'display=page does no harm',
    run: succeedsWith({ display: 'page' }),
  },
  {
    name: 'oidcc-display-popup',
    says: 'display=popup does no harm',
    run: succeedsWith({ display: 'popup' }),
  },
  {
    name: 'oidcc-ensure-request-with-unknown-parameter-succeeds',
    says: 'an unknown parameter is ignored',
    run: succeedsWith({ extra: 'foobar' }),
  },
  {
    name: 'oidcc-login-hint',
    says: 'a login_hint of nobody does no harm, and one of the person is filled in',
    async run(run) {
      const { t } = run
      const { shown } = await run.visit({ login_hint: 'suite@example.com' })
      t.match(shown[0]?.html, / value="suite@example\.com"/)
      await run.flow({ login_hint: 'buffy@host' })
    },
  },
  {
    name: 'oidcc-ui-locales',
    says: 'ui_locales that are not spoken here do no harm',
    run: succeedsWith({ ui_locales: 'se' }),
  },
  {
    name: 'oidcc-claims-locales',
    says: 'claims_locales that nobody has do no harm',
    run: succeedsWith({ claims_locales: 'se' }),
  },
  {
    name: 'oidcc-ensure-request-with-acr-values-succeeds',
    says: 'acr_values are a wish, and an acr in the ID token is one that was wished for',
    async run({ t, suite, flow }) {
      const supported = (suite.metadata['acr_values_supported'] as string[] | undefined) ?? []
      const wished = supported.length > 0 ? supported : ['1', '2']
      const { idToken } = await flow({ acr_values: wished.join(' ') })
      t.ok([undefined, ...wished].includes(idToken['acr'] as string | undefined))
    },
  },
  {
    name: 'oidcc-ensure-registered-redirect-uri',
    says: 'a redirect URI that is not registered gets a page of ours, and no redirect',
    run: staysHere((callback) => ({ redirect_uri: `${callback}/random` })),
  },
  {
    name: 'oidcc-ensure-post-request-succeeds',
    says: 'the request may come by POST',
    async run({ t, authorize, redeem }) {
      const response = await authorize({}, { by: 'POST' })
      t.equal((await redeem(response)).status, 200)
      t.ok((await authorize({ prompt: 'none' }, { by: 'POST' })).fields['code'])
    },
  },
  {
    name: 'oidcc-server-client-secret-post',
    says: 'a client may authenticate by client_secret_post',
    client: 'secretPost',
    metadata: { token_endpoint_auth_method: 'client_secret_post' },
    run: succeedsWith({}),
  },
  {
    name: 'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported',
    says: 'an unsigned request object is refused, never ignored',
    run: (run) => refusesUnsigned(run, {}),
  },
  {
    name: 'oidcc-ensure-request-object-with-redirect-uri',
    says: 'a redirect URI inside of one does not mend one outside that is not registered',
    run: (run) => refusesUnsigned(run, { redirect_uri: 'https://suite.example/wrong' }),
  },
  {
    name: 'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported',
    says: 'a request object by reference is refused, never ignored',
    async run({ t, authorize }) {
      const { fields } = await authorize({ request_uri: 'https://suite.example/request.jwt' })
      t.equal(fields['error'], 'request_uri_not_supported')
    },
  },
  {
    name: 'oidcc-ensure-request-with-valid-pkce-succeeds',
    says: 'a confidential client may use PKCE, and then must',
    async run({ t, authorize, redeem }) {
      const verifier = 'verifier-'.repeat(5)
      const code_challenge = createHash('sha256').update(verifier).digest('base64url')
      const pkce = { code_challenge, code_challenge_method: 'S256' }
      const response = await authorize(pkce)
      t.equal((await redeem(response, { code_verifier: verifier })).status, 200)
      t.hasStrict(await redeem(await authorize(pkce)), {
        status: 400,
        body: { error: 'invalid_grant' },
      })
    },
  },
]
