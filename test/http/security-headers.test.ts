import { createHash } from 'node:crypto'
import t from 'tap'
import {
  createSecurityHeaders,
  formPostScript,
  formPostScriptHash,
} from '../../src/http/security-headers.ts'

const headers = createSecurityHeaders({ isHttps: true })
const pages = {
  page: headers.page,
  interactionPage: headers.interactionPage,
  formPostPage: headers.formPostPage,
}

function directives(policy: string | undefined): Record<string, string> {
  const pairs = (policy ?? '').split('; ').map((directive) => directive.split(/ (.*)/s))
  return Object.fromEntries(pairs.map(([name, value]) => [name, value]))
}

t.test('the whole set for our own pages, as the browser gets it', async (t) => {
  t.same(headers.page, {
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'strict-transport-security': 'max-age=31536000',
    'content-security-policy':
      "default-src 'none'; style-src 'self'; img-src 'self' https: data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    'referrer-policy': 'same-origin',
    'x-frame-options': 'DENY',
    'permissions-policy':
      'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
    'cross-origin-opener-policy': 'same-origin',
  })
})

t.test(
  'no page can be framed, cached, or run a script that is not named (RFC 6749 §10.13)',
  async (t) => {
    for (const [name, page] of Object.entries(pages)) {
      const policy = directives(page['content-security-policy'])
      t.equal(policy['default-src'], "'none'", name)
      t.equal(policy['frame-ancestors'], "'none'", name)
      t.equal(page['x-frame-options'], 'DENY', name)
      t.equal(page['cache-control'], 'no-store', name)
      t.notMatch(page['content-security-policy'], /unsafe/, name)
      t.equal(policy['script-src'], name === 'formPostPage' ? formPostScriptHash : undefined, name)
    }
  },
)

t.test(
  'pages on the way to a client leave redirects after a form and its popup alone',
  async (t) => {
    for (const page of [headers.interactionPage, headers.formPostPage]) {
      t.notOk('form-action' in directives(page['content-security-policy']))
      t.notOk('cross-origin-opener-policy' in page)
    }
  },
)

t.test('the form post page allows its one script by its hash', async (t) => {
  const hash = createHash('sha256').update(formPostScript).digest('base64')
  t.equal(formPostScript, 'document.forms[0].submit()')
  t.equal(formPostScriptHash, `'sha256-${hash}'`)
})

t.test(
  'a client sees our origin in the post, our own forms never send `Origin: null`',
  async (t) => {
    t.equal(headers.formPostPage['referrer-policy'], 'strict-origin')
    t.equal(headers.interactionPage['referrer-policy'], 'same-origin')
  },
)

t.test('answers to machines are not sniffed, cached or shown as documents', async (t) => {
  t.same(headers.api, {
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'strict-transport-security': 'max-age=31536000',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
  })
})

t.test('plain http promises no https (RFC 6797 §7.2)', async (t) => {
  for (const set of Object.values(createSecurityHeaders({ isHttps: false })))
    t.notOk('strict-transport-security' in set)
})
