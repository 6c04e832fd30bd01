import { createHmac, randomBytes } from 'node:crypto'
import t from 'tap'
import { createCsrf } from '../../src/http/csrf.ts'
import type { CsrfEvidence } from '../../src/http/csrf.ts'

const csrf = createCsrf({ key: Buffer.alloc(32, 7), randomBytes: (size) => Buffer.alloc(size, 1) })
const issuerOrigin = 'https://login.example.com'

function evidence(changes: Partial<CsrfEvidence> = {}): CsrfEvidence {
  const { browserId, token } = csrf.issue(undefined, 'login')
  return {
    browserId,
    token,
    origin: issuerOrigin,
    secFetchSite: 'same-origin',
    purpose: 'login',
    issuerOrigin,
    ...changes,
  }
}

t.test('a form sent back by the browser that it was made for is ours', async (t) => {
  t.equal(csrf.verify(evidence()), 'ok')
  t.equal(csrf.verify(evidence({ origin: undefined, secFetchSite: undefined })), 'ok')
  t.equal(csrf.verify(evidence({ secFetchSite: 'none' })), 'ok', 'a reload by the person')
})

t.test(
  'a browser keeps its id; a missing or foreign one is replaced by 128 random bits',
  async (t) => {
    const real = createCsrf({ key: Buffer.alloc(32), randomBytes })
    const { browserId, token } = real.issue(undefined, 'login')
    t.match(browserId, /^[A-Za-z0-9_-]{22}$/)
    t.same(real.issue(browserId, 'login'), { browserId, token })
    t.not(real.issue('chosen by another', 'login').browserId, 'chosen by another')
    t.not(real.issue(undefined, 'login').browserId, browserId)
  },
)

t.test('a request from another site is refused before anything else is looked at', async (t) => {
  for (const origin of [
    'https://evil.example',
    'null',
    '',
    'http://login.example.com',
    'https://login.example.com:8443',
  ])
    t.equal(csrf.verify(evidence({ origin })), 'cross-site', origin)
  for (const secFetchSite of ['cross-site', 'same-site', ''])
    t.equal(csrf.verify(evidence({ secFetchSite })), 'cross-site', secFetchSite)
  t.equal(csrf.verify(evidence({ origin: 'null', token: undefined })), 'cross-site')
})

t.test('a form without its cookie or without its token is missing something', async (t) => {
  t.equal(csrf.verify(evidence({ browserId: undefined })), 'missing')
  t.equal(csrf.verify(evidence({ token: undefined })), 'missing')
})

t.test('a token of another browser, purpose or key does not match', async (t) => {
  const other = createCsrf({ key: Buffer.alloc(32, 8), randomBytes })
  const { browserId } = csrf.issue(undefined, 'login')
  t.equal(csrf.verify(evidence({ browserId: 'A'.repeat(22) })), 'mismatch')
  t.equal(csrf.verify(evidence({ token: csrf.issue(browserId, 'consent').token })), 'mismatch')
  t.equal(csrf.verify(evidence({ token: other.issue(browserId, 'login').token })), 'mismatch')
})

t.test('a malformed id or token does not match, and nothing throws', async (t) => {
  const { token } = evidence()
  for (const malformed of ['', 'é', `${token}=`, `${token} `, 'x'.repeat(100_000)])
    t.equal(csrf.verify(evidence({ token: malformed })), 'mismatch')
  const id = 'short'
  const forged = createHmac('sha256', Buffer.alloc(32, 7))
    .update(`csrf:${id}:login`)
    .digest('base64url')
  t.equal(csrf.verify(evidence({ browserId: id, token: forged })), 'mismatch')
})
