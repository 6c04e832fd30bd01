import t from 'tap'
import { renderPage } from '../../src/http/html.ts'
import { formPostScript } from '../../src/http/security-headers.ts'
import { redirectTarget } from '../../src/pages/client-view.tsx'
import { ConsentPage } from '../../src/pages/consent-view.tsx'
import { CreateAccountPage } from '../../src/pages/create-account-view.tsx'
import { ErrorPage } from '../../src/pages/error-view.tsx'
import type { ErrorKind } from '../../src/pages/error-view.tsx'
import { FormPostPage } from '../../src/pages/form-post-view.tsx'
import type { Site } from '../../src/pages/layout.tsx'
import { LoginPage } from '../../src/pages/login-view.tsx'
import { LogoutPage } from '../../src/pages/logout-view.tsx'
import { SelectAccountPage } from '../../src/pages/select-account-view.tsx'
import { pageSamples } from '../support/page-samples.tsx'

const site: Site = {
  issuer: 'https://login.example.com',
  stylesheet: '/assets/claviger.css',
  icon: '/assets/claviger.svg',
  home: '/',
}
const hostile = `"><script>alert(1)</script>`
const login = { site, action: '/login', csrf: 'token', request: 'reference' }
const samples = pageSamples(site, {
  logoUri: 'https://photos.example.com/logo.svg',
  redirectUri: 'https://photos.example.com/callback',
})

/** What a person reads. */
function textOf(html: string): string {
  return html
    .replace(/<head>.*<\/head>/s, '')
    .replaceAll(/<[^>]+>/g, '')
    .replaceAll(/\s+/g, ' ')
}

t.test(
  'every page is a whole document that needs no script, style attribute or event handler',
  async (t) => {
    for (const [name, { page }] of Object.entries(samples)) {
      const html = renderPage(page)
      t.match(html, /^<!doctype html><html lang="en"><head><meta charset="utf-8"\/?>/, name)
      t.match(html, /<title>[^<]+ · Claviger<\/title>/, name)
      t.equal(html.match(/<h1>/g)?.length, 1, name)
      t.notMatch(html, /\sstyle=|<style|\son[a-z]+=|javascript:/i, name)
      const scripts = [...html.matchAll(/<script[^>]*>(.*?)<\/script>/gs)].map(([, text]) => text)
      t.same(scripts, name === 'form-post' ? [formPostScript] : [], name)
    }
  },
)

t.test('who was signed out, or could not be, finds the way to the start page', async (t) => {
  for (const name of ['logged-out', 'error-logout']) {
    const { page } = samples[name] ?? {}
    t.match(page && renderPage(page), /<a id="home" class="button" href="\/">/, name)
  }
})

function textOfSample(name: string): string {
  const { page } = samples[name] ?? {}
  return page ? textOf(renderPage(page)) : ''
}

t.test('consent names the host of an application that describes itself (CIMD)', async (t) => {
  t.match(textOfSample('consent-document'), 'only by the word of notes.example.net')
  t.match(textOfSample('consent-document'), 'Any app on this device can pretend to be this one')
  t.notMatch(textOfSample('consent'), 'by the word of')
  t.notMatch(textOfSample('consent-small'), 'can pretend')
})

t.test('forms post plain fields under the names and ids that others rely on', async (t) => {
  const hooks: Record<string, string[]> = {
    login: [
      '<form method="post" action="/login">',
      'id="username" name="username"',
      'id="password" name="password"',
      '<button id="submit" type="submit"',
      'name="csrf"',
      'name="request"',
    ],
    consent: [
      '<form method="post" action="/consent">',
      '<button id="approve" type="submit" name="decision" value="allow"',
      '<button id="deny" type="submit" name="decision" value="deny"',
    ],
    'select-account': [
      '<form method="post" action="/select-account">',
      '<button id="continue" type="submit" name="account" value="this"',
      '<button id="another" type="submit" name="account" value="another"',
    ],
    'create-account': [
      '<form method="post" action="/create-account">',
      'id="email" name="email"',
      'id="name" name="name"',
      'id="password" name="password"',
      '<button id="submit" type="submit"',
    ],
    'device-code': ['<form method="post" action="/device">', 'id="user_code" name="user_code"'],
    device: [
      '<form method="post" action="/device">',
      '<button id="approve" type="submit" name="decision" value="allow"',
      '<button id="deny" type="submit" name="decision" value="deny"',
    ],
    logout: [
      '<form method="post" action="/logout">',
      '<button id="logout-yes" type="submit" name="decision" value="yes"',
      '<button id="logout-no" type="submit" name="decision" value="no"',
      '<input type="hidden" name="state" value="xyz"',
    ],
  }
  for (const [name, expected] of Object.entries(hooks)) {
    const sample = samples[name]
    const html = sample ? renderPage(sample.page) : ''
    for (const hook of expected) t.ok(html.includes(hook), `${name}: ${hook}`)
  }
})

t.test('what clients and people chose is shown as text, never as markup', async (t) => {
  const pages = [
    renderPage(<LoginPage {...login} client={{ name: hostile }} username={hostile} />),
    renderPage(
      <ConsentPage
        {...login}
        client={{ name: hostile }}
        redirectHost={hostile}
        account={hostile}
        scopes={[hostile]}
        claims={[`a${hostile}`]}
        resources={[{ resource: hostile, name: hostile }]}
        authorizationDetails={[{ type: hostile, [hostile]: [{ [hostile]: hostile }] }]}
        isRemembered
      />,
    ),
    renderPage(<SelectAccountPage {...login} client={{ name: hostile }} account={hostile} />),
    renderPage(
      <CreateAccountPage
        {...login}
        client={{ name: hostile }}
        signInUrl="/login"
        email={hostile}
        name={hostile}
        problem={{ kind: 'faults', faults: [hostile] }}
      />,
    ),
    renderPage(<LogoutPage {...login} parameters={[[hostile, hostile]]} account={hostile} />),
    renderPage(
      <ErrorPage
        site={site}
        kind="invalid-request"
        status={400}
        code={hostile}
        description={hostile}
        requestId={hostile}
      />,
    ),
  ]
  for (const html of pages) {
    t.notMatch(html, '<script')
    t.match(html, '&lt;script')
  }
})

t.test(
  'consent tells in plain words what each scope gives, and others by their name',
  async (t) => {
    const sample = samples['consent']
    const text = textOf(sample ? renderPage(sample.page) : '')
    for (const words of [
      'Acme Photos asks for access to your account',
      'Signed in as ada@example.org',
      'Takes you back to photos.example.com',
      'Recognise you',
      'See your profile',
      'See your email address',
      'See your postal address',
      'See your phone number',
      'Keep this access',
      'Use the permission albums:read',
      'Use Acme Photos API on your behalf',
      'We remember this choice',
    ])
      t.ok(text.includes(words), words)
  },
)

t.test(
  'each kind of error has its own words, the code, the status and the request id',
  async (t) => {
    const labels: [ErrorKind, string][] = [
      ['redirect-uri', 'Redirect URI error'],
      ['invalid-request', 'Invalid request'],
      ['logout', 'Logout error'],
      ['not-found', 'Not found'],
      ['expired', 'Sign-in expired'],
      ['unavailable', 'Unavailable'],
      ['server-error', 'Server error'],
    ]
    for (const [kind, label] of labels) {
      const html = renderPage(
        <ErrorPage site={site} kind={kind} status={400} code="some_code" requestId="req-7" />,
      )
      const text = textOf(html)
      for (const words of [label, 'Error some_code', 'Status 400', 'Request id req-7'])
        t.ok(text.includes(words), `${kind}: ${words}`)
    }
  },
)

t.test(
  'the form post page carries each parameter to the redirect URI (Form Post Response Mode §2)',
  async (t) => {
    const html = renderPage(
      <FormPostPage
        site={site}
        redirectUri="https://acme.example/cb?tenant=1&x=2"
        parameters={[
          ['code', 'c'],
          ['state', hostile],
        ]}
      />,
    )
    t.match(html, '<form method="post" action="https://acme.example/cb?tenant=1&amp;x=2">')
    t.match(html, '<input type="hidden" name="code" value="c"')
    t.match(html, '<input type="hidden" name="state" value="&quot;>&lt;script>')
    t.match(html, /<noscript><button type="submit"[^>]*>Continue<\/button><\/noscript>/)
    t.equal(redirectTarget('com.example.app:/cb'), 'com.example.app')
  },
)

t.test('the sign-up page says how long a password must be, before one is refused', async (t) => {
  const signUp = { site, action: '/create-account', csrf: 'c', request: '', signInUrl: '/login' }
  const page = renderPage(<CreateAccountPage {...signUp} />)
  t.match(page, 'Password (at least 8 characters)')
  t.match(page, 'minlength="8"')
})
