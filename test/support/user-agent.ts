/** A person's browser without JavaScript: keeps cookies, follows redirects on the provider, fills in and submits forms. */

export interface Page {
  status: number
  url: string
  headers: Headers
  html: string
}

export interface UserAgent {
  /** Follows redirects as long as they stay on the provider; the last Location is the page's url when one leaves. */
  open(url: string): Promise<Page>
  /** Sends fields by POST, as a form that is not ours does. */
  post(url: string, fields: Record<string, string>): Promise<Page>
  /** Submits the form of a page: its hidden fields, and what the person enters or presses. */
  submit(page: Page, entered: Record<string, string>): Promise<Page>
  cookies: Map<string, string>
}

export function createUserAgent(
  issuer: string,
  ownHeaders: Record<string, string> = {},
  send: typeof fetch = fetch,
): UserAgent {
  const { origin } = new URL(issuer)
  const cookies = new Map<string, string>()

  async function request(url: string, init: RequestInit): Promise<Page> {
    const response = await send(url, {
      ...init,
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        'sec-fetch-site': 'same-origin',
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...ownHeaders,
        ...(init.headers as Record<string, string>),
      },
    })
    for (const line of response.headers.getSetCookie()) keep(line)
    const html = await response.text()
    const location = response.headers.get('location')
    const page = { status: response.status, url, headers: response.headers, html }
    if (!location) return page
    const next = new URL(location, url)
    return next.origin === origin
      ? request(next.href, { method: 'GET' })
      : { ...page, url: next.href }
  }

  function keep(line: string): void {
    const [pair = '', ...attributes] = line.split('; ')
    const at = pair.indexOf('=')
    const isGone = attributes.some((attribute) => /^expires=Thu, 01 Jan 1970/i.test(attribute))
    if (isGone) cookies.delete(pair.slice(0, at))
    else cookies.set(pair.slice(0, at), pair.slice(at + 1))
  }

  function post(url: string, fields: Record<string, string>): Promise<Page> {
    return request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin },
      body: new URLSearchParams(fields).toString(),
    })
  }

  return {
    cookies,
    open: (url) => request(url, { method: 'GET' }),
    post,
    submit(page, entered) {
      const { action, fields } = formOf(page)
      return post(new URL(action, page.url).href, { ...fields, ...entered })
    },
  }
}

/** Where the form of a page goes, and its hidden fields. */
export function formOf({ url, html }: Page): { action: string; fields: Record<string, string> } {
  const action = /<form[^>]* action="([^"]*)"/.exec(html)?.[1]
  if (action === undefined) throw new Error(`There is no form on ${url}: ${html}`)
  const hidden = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)]
  return {
    action: decode(action),
    fields: Object.fromEntries(hidden.map(([, name, value]) => [decode(name), decode(value)])),
  }
}

function decode(text = ''): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}
