import { assert, property, stringMatching } from 'fast-check'
import { createHash } from 'node:crypto'
import t from 'tap'
import { isCodeChallenge, isCodeVerifier, verifierMatches } from '../../src/protocol/pkce.ts'

const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

t.test('the example of RFC 7636 Appendix B matches', async (t) => {
  t.equal(isCodeVerifier(verifier), true)
  t.equal(isCodeChallenge(challenge), true)
  t.equal(verifierMatches(verifier, challenge), true)
})

t.test('a verifier is 43 to 128 unreserved characters (RFC 7636 §4.1)', async (t) => {
  for (const text of ['a'.repeat(43), 'Az09-._~'.repeat(16)])
    t.equal(isCodeVerifier(text), true, text)
  const others = [
    '',
    'a'.repeat(42),
    'a'.repeat(129),
    `${'a'.repeat(42)}+`,
    `${'a'.repeat(43)}\n`,
    `${'a'.repeat(42)}é`,
  ]
  for (const text of others) t.equal(isCodeVerifier(text), false, text)
})

t.test('a challenge is 43 characters of base64url without padding (RFC 7636 §4.2)', async (t) => {
  const others = [
    '',
    'a'.repeat(42),
    'a'.repeat(44),
    `${'a'.repeat(42)}=`,
    `${'a'.repeat(42)}~`,
    `${'a'.repeat(43)}\n`,
  ]
  for (const text of others) t.equal(isCodeChallenge(text), false, text)
})

t.test('any other verifier or challenge does not match (RFC 7636 §4.6)', async (t) => {
  t.equal(verifierMatches(`${verifier.slice(0, -1)}K`, challenge), false)
  t.equal(verifierMatches(verifier, `${challenge.slice(0, -1)}N`), false)
  t.equal(verifierMatches(challenge, challenge), false, 'plain is not S256')
  t.equal(verifierMatches('short', createHash('sha256').update('short').digest('base64url')), false)
  t.equal(verifierMatches(verifier, ''), false)
})

t.test('each well-formed verifier matches its own hash, and no other verifier does', async () => {
  const verifiers = stringMatching(/^[A-Za-z0-9._~-]{43,128}$/)
  assert(
    property(verifiers, verifiers, (one, other) => {
      const hash = createHash('sha256').update(one).digest('base64url')
      return verifierMatches(one, hash) && verifierMatches(other, hash) === (one === other)
    }),
  )
})
