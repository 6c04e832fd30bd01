/** oidcc-rp-initiated-logout-certification-test-plan, with a static and with dynamic clients (OpenID Connect RP-Initiated Logout 1.0). */
import { decodeJwt, decodeProtectedHeader, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import t, { type Test } from 'tap'
import type { Page } from '../support/user-agent.ts'
import type { Run } from '../support/suite-run.ts'
import { createSuite } from '../support/suite.ts'
import { startLogout, type Leaving } from './logout.ts'
import { runModules, type Module } from './module.ts'
import { registerClient } from './registration.ts'

const suite = await createSuite(t, { environment: { CLAVIGER_REGISTRATION: 'open' } })
const registered = suite.addresses.postLogoutRedirect
const name = 'oidcc-rp-initiated-logout'
const longState = 'x'.repeat(128)

/** Nobody is sent to the client, and the picture is of a page of ours. */
function staysHere(t: Test, { page, pictures }: { page: Page; pictures: Page[] }): void {
  t.ok(page.url.startsWith(`${suite.issuer}/log`))
  t.match(page.headers.get('content-type'), /^text\/html/)
  t.equal(pictures.length, 1)
}

type Requests = Record<string, string>[]

const refuses =
  (requestsFor: (hint: string) => Requests | Promise<Requests>) => async (run: Run) => {
    const { hint, leave, isSignedOut } = await startLogout(run)
    for (const fields of await requestsFor(hint)) staysHere(run.t, await leave(fields))
    run.t.notOk(await isSignedOut(), 'the session has not changed')
  }

const signsOutHere =
  (fieldsFor: (leaving: Leaving) => Record<string, string>) => async (run: Run) => {
    const leaving = await startLogout(run)
    const visit = await leaving.leave(fieldsFor(leaving))
    staysHere(run.t, visit)
    run.t.equal(visit.page.url, `${suite.issuer}/logged-out`)
    run.t.ok(await leaving.isSignedOut())
  }

const takesBack = (state: Record<string, string>, url: string) => async (run: Run) => {
  const { hint, leave, isSignedOut } = await startLogout(run)
  const { page } = await leave({
    id_token_hint: hint,
    post_logout_redirect_uri: registered,
    ...state,
  })
  run.t.equal(page.url, url)
  run.t.ok([302, 303].includes(page.status))
  run.t.ok(await isSignedOut())
}

async function forge(hint: string, header: object): Promise<string> {
  const { privateKey } = await generateKeyPair('RS256')
  const forged = new SignJWT(decodeJwt(hint)).setProtectedHeader({ alg: 'RS256', ...header })
  return forged.sign(privateKey)
}

const withUri = { post_logout_redirect_uri: registered, state: 's' }
const withHint = (token: string) => ({ ...withUri, id_token_hint: token })

const modules: Module[] = [
  {
    name: `${name}-discovery-endpoint-verification`,
    says: 'the end_session_endpoint is named, by https',
    async run({ t }) {
      t.equal(suite.metadata['end_session_endpoint'], `${suite.issuer}/logout`)
    },
  },
  {
    name,
    says: 'a hint and a registered URI lead back at once, with the state intact and nothing else',
    run: takesBack({ state: longState }, `${registered}?state=${longState}`),
  },
  {
    name: `${name}-no-state`,
    says: 'without a state there is none in the redirect',
    run: takesBack({}, registered),
  },
  {
    name: `${name}-bad-post-logout-redirect-uri`,
    says: 'a URI that is not registered gets a page of ours',
    run: refuses((hint) =>
      [`${registered}/other`, `${registered}/`, 'https://elsewhere.example/', 'nonsense'].map(
        (uri) => ({ id_token_hint: hint, post_logout_redirect_uri: uri, state: 's' }),
      ),
    ),
  },
  {
    name: `${name}-query-added-to-post-logout-redirect-uri`,
    says: 'a query that was added makes another URI of it',
    run: refuses((hint) => [
      { id_token_hint: hint, post_logout_redirect_uri: `${registered}?foo=bar`, state: 's' },
    ]),
  },
  {
    name: `${name}-modified-id-token-hint`,
    says: 'a hint without a signature is refused',
    run: refuses((hint) => {
      const modified = new UnsecuredJWT(decodeJwt(hint)).encode()
      const signature = hint.slice(hint.lastIndexOf('.') + 1)
      return [modified, modified + signature].map(withHint)
    }),
  },
  {
    name: `${name}-bad-id-token-hint`,
    says: 'a hint that another signed is refused',
    run: refuses(async (hint) => {
      const { kid = '' } = decodeProtectedHeader(hint)
      const headers = [{ typ: 'JWT', kid }, { typ: 'JWT', kid: 'of the suite' }, {}]
      const forged = await Promise.all(headers.map((header) => forge(hint, header)))
      return forged.map(withHint)
    }),
  },
  {
    name: `${name}-no-id-token-hint`,
    says: 'a URI without a hint or a client_id is refused',
    run: refuses(() => [withUri]),
  },
  {
    name: `${name}-no-params`,
    says: 'a plain visit signs out, after a question, and says so',
    run: signsOutHere(() => ({})),
  },
  {
    name: `${name}-no-post-logout-redirect-uri`,
    says: 'a hint alone signs out and says so',
    run: signsOutHere(({ hint }) => ({ id_token_hint: hint, state: 's' })),
  },
  {
    name: `${name}-only-state`,
    says: 'a state alone signs out, after a question, and says so',
    run: signsOutHere(() => ({ state: 's' })),
  },
]

runModules(t, 'oidcc-rp-initiated-logout', suite, modules, () => suite.clients.logout)
runModules(t, 'oidcc-rp-initiated-logout (dynamic)', suite, modules, (t) =>
  registerClient(t, suite, { post_logout_redirect_uris: [registered] }),
)
