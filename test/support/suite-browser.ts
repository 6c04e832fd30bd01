/** The conformance suite's browser: no JavaScript of ours to speak of, and led by the `browser` blocks of a plan. */
import type { BrowserBlock, Command } from '../conformance/plan/browser.ts'
import { createUserAgent, formOf, type Page, type UserAgent } from './user-agent.ts'

export interface Visit {
  /** Where it ended. */
  page: Page
  /** What the page that it ended at was posted: by the one script we have, or its button (Form Post §2). */
  posted?: Record<string, string>
  /** The pages that were shown to the person, in this order. */
  shown: Page[]
  /** The pages that filled a placeholder, for people to look at. */
  pictures: Page[]
}

export interface SuiteBrowser {
  agent: UserAgent
  visit(url: string, options?: { form?: Record<string, string> }): Promise<Visit>
}

export function createSuiteBrowser(
  issuer: string,
  send: typeof fetch,
  blocks: readonly BrowserBlock[],
): SuiteBrowser {
  const agent = createUserAgent(issuer, {}, send)
  const visits = new Map<BrowserBlock, number>()

  function blockFor(url: string): BrowserBlock {
    const block = blocks.find(
      (one) => isMatch(one.match, url) && (visits.get(one) ?? 0) < (one['match-limit'] ?? Infinity),
    )
    if (!block) throw new Error(`No block of the plan fits ${url}`)
    visits.set(block, (visits.get(block) ?? 0) + 1)
    return block
  }

  return {
    agent,
    async visit(url, { form } = {}) {
      const block = blockFor(url)
      let visit: Visit = { page: undefined as never, shown: [], pictures: [] }
      arrive(form ? await agent.post(url, form) : await agent.open(url))

      function arrive(page: Page): void {
        if (isOurs(page.url)) visit.shown.push(page)
        const form = isOurs(page.url) && page.html.includes('<form') ? formOf(page) : undefined
        if (form && !isOurs(new URL(form.action, page.url).href))
          visit = { ...visit, page: { ...page, url: form.action }, posted: form.fields }
        else visit = { ...visit, page }
      }

      for (const { match, optional, commands = [], task } of block.tasks) {
        if (!isMatch(match, visit.page.url)) {
          if (optional) continue
          throw new Error(`"${task}" expects ${match}, not ${visit.page.url}: ${visit.page.html}`)
        }
        const entered: Record<string, string> = {}
        for (const command of commands) {
          const element = find(visit.page, command)
          if (command[0] === 'text') entered[element['name'] ?? ''] = String(command[3])
          if (command[0] === 'click') {
            const { name, value = '' } = element
            const pressed = name === undefined ? {} : { [name]: value }
            arrive(await agent.submit(visit.page, { ...entered, ...pressed }))
          }
          if (String(command[5]).startsWith('update-image-placeholder'))
            visit.pictures.push(visit.page)
        }
      }
      return visit
    },
  }

  function isOurs(url: string): boolean {
    return url.startsWith(`${issuer}/`)
  }

  /** The attributes of what a command is about; throws when it is not there, as the suite does after a while. */
  function find(page: Page, [verb, kind, target, , words]: Command): Record<string, string> {
    const missing = () => new Error(`No ${kind} "${target ?? words}" on ${page.url}: ${page.html}`)
    if (verb === 'wait' && kind === 'contains') {
      if (!page.url.includes(String(target))) throw missing()
      return {}
    }
    if (kind === 'xpath') {
      if (!new RegExp(String(words)).test(visibleText(page))) throw missing()
      return {}
    }
    if (!isOurs(page.url)) return {} // the suite's own page
    const tag = verb === 'text' ? 'input' : 'button'
    const found = [...page.html.matchAll(new RegExp(`<${tag} [^>]*>`, 'g'))]
      .map(([element]) => attributesOf(element))
      .find((attributes) => attributes[String(kind)] === target)
    if (!found || (verb === 'click' && found['type'] !== 'submit')) throw missing()
    return found
  }
}

/** Spring's simpleMatch: `*` stands for anything. */
export function isMatch(glob: string, url: string): boolean {
  const parts = glob.split('*').map((part) => part.replaceAll(/[.?+^$()[\]{}|\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(url)
}

/** What a person reads, without scripts and what shows only when there are none. */
export function visibleText({ html }: Pick<Page, 'html'>): string {
  const body = html.slice(html.indexOf('<body'))
  return body.replaceAll(/<(script|noscript)>.*?<\/\1>/gs, ' ').replaceAll(/<[^>]*>/g, '')
}

function attributesOf(tag: string): Record<string, string> {
  return Object.fromEntries(
    [...tag.matchAll(/ ([\w-]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  )
}
