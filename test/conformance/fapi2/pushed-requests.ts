/** Modules about pushed requests and their references (RFC 9126, FAPI 2.0 Security Profile §5.3.2.2). */
import { isErrorPage, isRefused } from './checks.ts'
import type { Fapi2Module } from './module.ts'

const ours = (visit: { page: { url: string } }) => new URL(visit.page.url).pathname

export const pushedRequestModules: Fapi2Module[] = [
  {
    name: 'par-ensure-reused-request-uri-prior-to-auth-completion-succeeds',
    says: 'who looks at the page first, and takes time to sign in, is not too late',
    signsIn: true,
    waits: true,
    async run(run) {
      const requestUri = await run.requestUri({ response_mode: undefined })
      run.t.equal(ours(await run.visit(requestUri)), '/login')
      run.suite.provider.clock.advance(45)
      const { page } = await run.visit(requestUri)
      run.t.ok(new URL(page.url).searchParams.has('code'), page.url)
    },
  },
  {
    name: 'par-attempt-reuse-request_uri',
    says: 'a reference gives one code, of many uses at the same time too',
    async run(run) {
      const { t } = run
      const first = await run.requestUri()
      t.equal(ours(await run.visit(first)), '/test/a/claviger/callback')
      isErrorPage(run, await run.visit(first), 'invalid_request_uri')

      const second = await run.requestUri()
      const visits = await Promise.all([1, 2, 3, 4, 5].map(() => run.visit(second)))
      t.equal(visits.filter((visit) => ours(visit) !== '/authorize').length, 1)
    },
  },
  {
    name: 'par-attempt-to-use-expired-request_uri',
    says: 'a reference that has expired is refused on a page of ours',
    waits: true,
    async run(run) {
      const requestUri = await run.requestUri()
      run.suite.provider.clock.advance(60)
      isErrorPage(run, await run.visit(requestUri), 'invalid_request_uri')
    },
  },
  {
    name: 'par-attempt-to-use-request_uri-for-different-client',
    says: 'a reference is of no use in the name of another client',
    async run(run) {
      const second = await run.second()
      isErrorPage(run, await second.visit(await run.requestUri()), 'invalid_request_uri')
    },
  },
  {
    name: 'par-authorization-request-containing-request_uri-form-param',
    says: 'a reference cannot be pushed',
    async run(run) {
      const request_uri = await run.requestUri()
      const answer = await run.post('pushed_authorization_request', run.request({ request_uri }))
      isRefused(run.t, answer, 'invalid_request')
    },
  },
  {
    name: 'par-attempt-invalid-http-method',
    says: 'requests are pushed by POST only',
    async run({ t, client, endpoint }) {
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const url = endpoint('pushed_authorization_request')
        const { status, headers } = await client.fetch(url, { method })
        t.strictSame([status, headers.get('allow')], [405, 'POST'])
      }
    },
  },
  {
    name: 'par-ensure-pkce-required',
    says: 'a request without PKCE is refused',
    async run(run) {
      const without = { code_challenge: undefined, code_challenge_method: undefined }
      isRefused(run.t, await run.push(without), 'invalid_request')
    },
  },
  {
    name: 'par-plain-pkce-rejected',
    says: 'so is one with a challenge that is the verifier itself',
    async run(run) {
      isRefused(run.t, await run.push({ code_challenge_method: 'plain' }), 'invalid_request')
    },
  },
  {
    name: 'par-without-duplicate-parameters',
    says: 'the browser need bring nothing else, and nothing else is looked at (RFC 9126 §4)',
    async run(run) {
      await run.authorize()
      const beside = {
        redirect_uri: 'https://evil.example',
        response_type: 'token',
        response_mode: 'form_post',
        scope: ['openid', 'admin'],
      }
      await run.authorize({}, { beside })
    },
  },
]
