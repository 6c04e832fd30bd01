/** Software statements (RFC 7591 §2.3): whose count, and what is wrong with others. */
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose'
import t from 'tap'
import { createSoftwareStatements } from '../../src/registration/software-statement.ts'
import { createTestClock } from '../support/clock.ts'

const issuer = 'https://vendor.example'
const clock = createTestClock()

async function createIssuer(alg: string) {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  const statements = createSoftwareStatements({
    issuers: [{ issuer, jwks: { keys: [await exportJWK(publicKey)] } }],
    clock,
    skewSeconds: 10,
  })
  const sign = (claims: JWTPayload, iss = issuer) =>
    new SignJWT({ ...(iss !== '' && { iss }), ...claims })
      .setProtectedHeader({ alg })
      .sign(privateKey)
  return { statements, sign }
}

for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA'])
  t.test(`a statement signed with ${alg} by a listed issuer tells its claims`, async (t) => {
    const { statements, sign } = await createIssuer(alg)
    const claims = await statements.read(await sign({ client_name: 'Signed' }))
    t.strictSame(claims, { iss: issuer, client_name: 'Signed' })
  })

t.test('one of anybody else is unapproved, also when nobody is listed', async (t) => {
  const { statements, sign } = await createIssuer('ES256')
  const unapproved = { code: 'unapproved_software_statement', status: 400 }
  await t.rejects(statements.read(await sign({ iss: 'https://other.example' })), unapproved)
  const nobody = createSoftwareStatements({ issuers: undefined, clock, skewSeconds: 10 })
  await t.rejects(nobody.read(await sign({})), unapproved)
})

t.test('one that is malformed, unsigned, forged or expired is invalid', async (t) => {
  const { statements, sign } = await createIssuer('ES256')
  const stranger = await createIssuer('ES256')
  const seconds = Math.floor(clock.now().getTime() / 1000)
  const sound = await sign({})
  const unsigned = new UnsecuredJWT({ iss: issuer }).encode()
  const symmetric = await new SignJWT({ iss: issuer })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode('x'.repeat(32)))
  const cases: [name: string, statement: string][] = [
    ['no JWT', 'nonsense'],
    ['empty', ''],
    ['no iss', await sign({}, '')],
    ['alg none', unsigned],
    ['HS256', symmetric],
    ['signed by another', await stranger.sign({})],
    ['changed', sound.replace(/\.[^.]+\./, `.${btoa(JSON.stringify({ iss: issuer, a: 1 }))}.`)],
    ['expired', await sign({ exp: seconds - 60 })],
    ['not yet', await sign({ nbf: seconds + 60 })],
  ]
  for (const [name, statement] of cases)
    await t.rejects(
      statements.read(statement),
      { code: 'invalid_software_statement', status: 400 },
      name,
    )
})
