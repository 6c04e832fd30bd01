/** The README's walk, as a newcomer does it: a stock client, a real browser, our pages, tokens that verify. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { openBrowser } from '../support/browser.ts'
import { packageRoot } from '../support/postgres-run.ts'
import { createTestProvider, password } from '../support/provider.ts'

const screenshots = `${packageRoot}/test-results/sign-in`

t.test(
  'openid-client sends a person in Chromium to our login page and verifies the tokens',
  async (t) => {
    const provider = await createTestProvider(t)
    await provider.createUser({ name: 'Alice' })
    const metadata = await readFile(`${packageRoot}/examples/client.json`, 'utf8')
    await provider.services.clients.create(JSON.parse(metadata))
    await mkdir(screenshots, { recursive: true })

    const walk = spawn(process.execPath, ['examples/sign-in.mjs'], {
      cwd: packageRoot,
      env: { ...process.env, ISSUER: provider.issuer },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.teardown(() => walk.kill())
    const exited = once(walk, 'exit')
    const [lines, output] = [createInterface(walk.stdout), text(walk.stdout)]
    const [url] = await new Promise<string[]>((resolve) =>
      lines.on('line', (line) => line.startsWith('http') && resolve([line])),
    )

    const browser = await openBrowser(t)
    const page = await browser.newPage()
    await page.goto(url!)
    t.match(await page.title(), /Sign in to A first walk/)
    await page.screenshot({ path: `${screenshots}/login.png` })
    await page.getByLabel('Username or email').fill('alice@example.com')
    await page.getByLabel('Password').fill('not the password')
    await page.getByRole('button', { name: 'Sign in' }).click()
    t.match(await page.getByRole('alert').textContent(), /not right/)
    await page.screenshot({ path: `${screenshots}/rejected.png` })
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Allow access?' }).waitFor()
    await page.screenshot({ path: `${screenshots}/consent.png` })
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.getByText('Signed in. Look at the terminal.').waitFor()

    const [code] = await exited
    t.equal(code, 0)
    t.match(await output, /Refreshed: a new access token for 600 seconds/)
    const cookies = await page.context().cookies()
    t.ok(cookies.every(({ httpOnly, sameSite }) => httpOnly && sameSite === 'Lax'))

    await page.goto(provider.issuer)
    await page.getByText('alice@example.com').waitFor()
    await page.screenshot({ path: `${screenshots}/home.png` })
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  },
)
