import t from 'tap'
import { renderPage } from '../../src/http/html.ts'
import type { Site } from '../../src/pages/layout.tsx'
import { LoginPage } from '../../src/pages/login-view.tsx'
import type { LoginPageProps } from '../../src/pages/login-view.tsx'

const site: Site = {
  issuer: 'https://login.example.com',
  stylesheet: '/assets/claviger.css',
  icon: '/assets/claviger.svg',
  home: '/',
}
const login = { site, action: '/login', csrf: 'token', request: 'reference' }

function loginHtml(more: Partial<LoginPageProps>): string {
  return renderPage(<LoginPage {...login} client={{ name: 'Acme' }} {...more} />)
}

t.test("a client's links and logo are web addresses or nothing", async (t) => {
  for (const uri of ['javascript:alert(1)', ' javascript:alert(1)', 'data:text/html,x', '//x']) {
    const html = loginHtml({ client: { name: 'Acme', logoUri: uri, policyUri: uri, tosUri: uri } })
    t.notOk(html.includes(uri), uri)
    t.notMatch(html, 'Privacy policy')
  }
})

t.test(
  'the login page shows whose it is, with logo, policy and terms (OpenID Connect Registration §2)',
  async (t) => {
    const client = {
      name: 'Acme',
      logoUri: 'https://acme.example/logo.png',
      policyUri: 'https://acme.example/privacy',
      tosUri: 'https://acme.example/terms',
    }
    const html = loginHtml({ client })
    t.match(html, '<p>to continue to <strong><bdi>Acme</bdi></strong></p>')
    t.match(html, `src="${client.logoUri}"`)
    t.match(html, `<a href="${client.policyUri}" rel="noreferrer">Privacy policy</a>`)
    t.match(html, `<a href="${client.tosUri}" rel="noreferrer">Terms of service</a>`)
    t.match(html, /<button id="cancel" [^>]*formnovalidate>/)
    const ownLogin = loginHtml({ client: undefined })
    t.match(ownLogin, '<title>Sign in · Claviger</title>')
    t.notMatch(ownLogin, 'id="cancel"', 'there is nowhere to go back to')
  },
)

t.test('a refused login says so once, beside the fields, and keeps the name', async (t) => {
  const html = loginHtml({ username: 'ada', problem: { kind: 'rejected' } })
  t.match(html, '<title>Error: Sign in to Acme · Claviger</title>')
  t.match(html, 'role="alert" id="problem"')
  t.equal(html.match(/aria-describedby="problem" aria-invalid="true"/g)?.length, 2)
  t.match(html, /name="username"[^>]* value="ada"/)
  t.match(html, /id="password"[^>]* autofocus/)
  t.notMatch(loginHtml({}), /role="alert"|aria-describedby|aria-invalid/)
})

t.test('a login that is limited says how long', async (t) => {
  const waits: [number, RegExp][] = [
    [1, /Wait a minute,/],
    [61, /Wait 2 minutes,/],
    [3600, /Wait an hour,/],
    [7200, /Wait 2 hours,/],
  ]
  for (const [retryAfterSeconds, expected] of waits)
    t.match(loginHtml({ problem: { kind: 'rate-limited', retryAfterSeconds } }), expected)
})
