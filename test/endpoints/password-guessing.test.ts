/** Guessing passwords is limited, for all who guess and all names alike (issue 2, CLAVIGER_RATE_LIMIT). */
import t, { type Test } from 'tap'
import { encode } from '../support/flow.ts'
import { createTestProvider, password } from '../support/provider.ts'
import { sendForm, type Answer } from '../support/raw-http.ts'
import { createUserAgent, formOf } from '../support/user-agent.ts'
import { cookieHeader } from './routes.ts'

const username = 'alice@example.com'

async function setUp(t: Test, environment = {}) {
  const provider = await createTestProvider(t, environment)
  await provider.createUser()
  const browser = createUserAgent(provider.issuer)
  const { fields } = formOf(await browser.open(`${provider.issuer}/login`))
  const cookie = cookieHeader(browser)

  const attempt = (name: string, word: string, headers = {}): Promise<Answer> => {
    const form = encode({ ...fields, username: name, password: word }).toString()
    return sendForm(provider.issuer, '/login', form, { cookie, ...headers })
  }
  return { provider, attempt }
}

t.test('guessing passwords', async (t) => {
  const { provider, attempt } = await setUp(t)

  t.test('ends after ten failures: 429 with Retry-After and a page', async (t) => {
    const names = [username, 'ALICE@example.com', ` ${username} `, 'Alice@Example.COM']
    const answers = await Promise.all(
      Array.from({ length: 11 }, (_, index) => attempt(names[index % 4] ?? '', `wrong ${index}`)),
    )
    t.strictSame(countsOf(answers), { 401: 10, 429: 1 }, 'also all at once')
    const limited = answers.find(({ status }) => status === 429)
    const retryAfter = Number(limited?.headers.get('retry-after'))
    t.ok(retryAfter >= 1 && retryAfter <= 900, `Retry-After: ${retryAfter}`)
    t.match(limited?.headers.get('content-type'), 'text/html')
    t.match(limited?.body, /role="alert".*There were too many attempts.*<form method="post"/)
  })

  t.test('is refused then with the right password as well, from wherever it claims', async (t) => {
    t.equal((await attempt(username, password)).status, 429)
    for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip'])
      t.equal((await attempt(username, password, { [name]: '192.0.2.1' })).status, 429, name)
  })

  t.test('does not keep others from signing in', async (t) => {
    await provider.createUser({ email: 'bob@example.com' })
    t.equal((await attempt('bob@example.com', password)).status, 303)
  })

  t.test('is forgiven by a success', async (t) => {
    await provider.createUser({ email: 'carol@example.com' })
    const fail = () => attempt('carol@example.com', 'wrong')
    await Promise.all(Array.from({ length: 9 }, fail))
    t.equal((await attempt('carol@example.com', password)).status, 303)
    const more = [await fail(), await fail()]
    t.strictSame(countsOf(more), { 401: 2 }, 'the twelfth attempt')
  })

  t.test('of names that do not exist is limited in the same way', async (t) => {
    const answers = await Promise.all(
      Array.from({ length: 11 }, () => attempt('nobody@example.com', 'wrong')),
    )
    t.strictSame(countsOf(answers), { 401: 10, 429: 1 })
  })

  t.test('leaves neither the name nor the address in the database', async (t) => {
    const rows = await provider.database.query('select * from rate_limits')
    t.notMatch(JSON.stringify(rows), /alice|127\.0\.0\.1/)
    t.notMatch(JSON.stringify(provider.logged), password)
  })
})

t.test('CLAVIGER_RATE_LIMIT=off lets everybody try on', async (t) => {
  const { attempt } = await setUp(t, { CLAVIGER_RATE_LIMIT: 'off' })
  const attempts = Array.from({ length: 12 }, () => attempt(username, 'wrong'))
  t.strictSame(countsOf(await Promise.all(attempts)), { 401: 12 })
  t.equal((await attempt(username, password)).status, 303)
})

/** How many answers have each status. */
function countsOf(answers: readonly Answer[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}
