/** Every page in a real browser, with our headers: looks (screenshots in test-results/), accessibility, forms. */
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import t from 'tap'
import { openBrowser } from '../support/browser.ts'
import { startPageServer } from '../support/page-server.ts'

const browser = await openBrowser(t)
const server = await startPageServer(t)
// Both widths and both schemes; the other two pairs are for looking at.
const looks = [
  { colorScheme: 'light', width: 1280, height: 800, isExamined: true },
  { colorScheme: 'dark', width: 390, height: 844, isExamined: true },
  { colorScheme: 'dark', width: 1280, height: 800, isExamined: false },
  { colorScheme: 'light', width: 390, height: 844, isExamined: false },
] as const

for (const { colorScheme, width, height, isExamined } of looks)
  t.test(
    `every page loads all it needs and axe finds nothing: ${colorScheme}, ${width} pixels`,
    async (t) => {
      const context = await browser.newContext({
        colorScheme,
        viewport: { width, height },
      })
      t.teardown(() => context.close())
      // The page that submits itself stays to be seen.
      await context.addInitScript('HTMLFormElement.prototype.submit = () => {}')
      for (const name of server.names) {
        const page = await context.newPage()
        const complaints: string[] = []
        page.on('console', (message) => complaints.push(message.text()))
        page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`))
        await page.goto(`${server.origin}/${name}`)
        await page.screenshot({
          path: `test-results/pages/${name}-${width}-${colorScheme}.png`,
          fullPage: true,
        })
        t.same([...complaints], [], name)
        // axe adds a style element of its own, and the policy refuses it: a complaint that nobody takes for the next page's.
        if (isExamined) t.same(await examine(page), [], name)
        await page.close()
      }
    },
  )

t.test('nothing needs sideways scrolling at 320 pixels (WCAG 1.4.10)', async (t) => {
  const page = await browser.newPage({
    javaScriptEnabled: false,
    viewport: { width: 320, height: 568 },
  })
  t.teardown(() => page.close())
  for (const name of server.names) {
    await page.goto(`${server.origin}/${name}`)
    t.equal(await page.evaluate('document.documentElement.scrollWidth'), 320, name)
  }
})

t.test(
  'the keyboard alone signs in, and the form ends on another origin without script',
  async (t) => {
    const page = await openWithoutScript(t)
    await page.goto(`${server.origin}/login`)
    await page.waitForSelector('#username:focus') // at once, without a click
    await page.keyboard.type('ada')
    await page.keyboard.press('Tab')
    await page.keyboard.type('correct horse')
    await page.keyboard.press('Enter')
    t.match(await arrival(page), {
      'posted-to': `${server.origin}/login`,
      'sent-origin': server.origin,
      csrf: 'M3Zq0n',
      request: '6f0c1d',
      username: 'ada',
      password: 'correct horse',
    })
  },
)

t.test('each choice is one click without script', async (t) => {
  const page = await openWithoutScript(t)
  for (const [name, id, decision] of [
    ['consent', 'approve', 'allow'],
    ['consent', 'deny', 'deny'],
    ['logout', 'logout-yes', 'yes'],
    ['logout', 'logout-no', 'no'],
  ] as const) {
    await page.goto(`${server.origin}/${name}`)
    await page.click(`#${id}`)
    t.match(await arrival(page), { decision, csrf: 'M3Zq0n' }, id)
  }
})

const posted = {
  code: 'SplxlOBeZQQYbYS6WxSbIA',
  state: '"><script>alert(1)</script>',
  iss: server.origin,
  'posted-to': `${server.clientOrigin}/callback`,
  'sent-origin': server.origin,
}

t.test('the form post page submits itself, and the client may redirect on', async (t) => {
  const page = await browser.newPage()
  t.teardown(() => page.close())
  await page.goto(`${server.origin}/form-post`)
  t.same(await arrival(page), posted)
})

t.test('the form post page has a button where there is no script', async (t) => {
  const page = await openWithoutScript(t)
  await page.goto(`${server.origin}/form-post`)
  await page.click('button')
  t.same(await arrival(page), posted)
})

/** What axe finds. Its legacy mode differs in frames only, and there are none. */
async function examine(page: Page): Promise<unknown[]> {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
  return violations.map(({ id, nodes }) => ({ id, html: nodes.map(({ html }) => html) }))
}

async function openWithoutScript(t: { teardown(task: () => unknown): void }): Promise<Page> {
  const context = await browser.newContext({ javaScriptEnabled: false })
  t.teardown(() => context.close())
  return context.newPage()
}

/** What the client got. */
async function arrival(page: Page): Promise<unknown> {
  await page.waitForURL('**/arrived?*')
  return JSON.parse((await page.textContent('pre')) ?? '')
}
