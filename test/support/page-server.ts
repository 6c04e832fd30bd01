/** Serves the page samples as the provider would, and beside them a client on another origin that takes posted forms. */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { createAssets } from '../../src/http/assets.ts'
import { htmlContentType, renderPage } from '../../src/http/html.ts'
import { createSecurityHeaders } from '../../src/http/security-headers.ts'
import { pageSamples } from './page-samples.tsx'

interface Teardown {
  teardown(task: () => unknown): void
}

export interface PageServer {
  /** The provider's origin. */
  origin: string
  /** The same server under its other name: another origin to a browser. */
  clientOrigin: string
  names: string[]
}

export async function startPageServer(t: Teardown): Promise<PageServer> {
  const assets = createAssets({ basePath: '' })
  const securityHeaders = createSecurityHeaders({ isHttps: false })
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.teardown(() => server.close())

  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  const origin = `http://127.0.0.1:${address.port}`
  const clientOrigin = `http://localhost:${address.port}`
  const samples = pageSamples(
    {
      issuer: origin,
      stylesheet: assets.urlOf('claviger.css'),
      icon: assets.urlOf('claviger.svg'),
      home: '/',
    },
    { logoUri: `${origin}/logo.svg`, redirectUri: `${clientOrigin}/callback` },
  )

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', origin)
    const [, first = '', second = ''] = pathname.split('/')
    const sample = samples[first]
    if (request.method === 'POST') {
      await passOn(request, response)
    } else if (sample) {
      const headers = { ...securityHeaders[sample.headers], 'content-type': htmlContentType }
      response.writeHead(200, headers).end(renderPage(sample.page))
    } else if (first === 'assets') {
      const asset = assets.find(second, request.headers)
      response.writeHead(asset?.status ?? 404, asset?.headers).end(asset?.body)
    } else if (first === 'logo.svg') {
      response.writeHead(200, { 'content-type': 'image/svg+xml' }).end(logo)
    } else if (first === 'arrived') {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(Object.fromEntries(searchParams)))
    } else {
      response.writeHead(404).end()
    }
  }

  /** A form's answer leads to the other origin, as it does at the end of a login and in many clients' callbacks. */
  async function passOn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { host = '', origin: sender = '' } = request.headers
    const target = clientOrigin.endsWith(host) ? origin : clientOrigin
    const arrived = new URLSearchParams(await text(request))
    arrived.set('posted-to', `http://${host}${request.url}`)
    arrived.set('sent-origin', sender)
    response.writeHead(303, { location: `${target}/arrived?${arrived.toString()}` }).end()
  }

  return { origin, clientOrigin, names: Object.keys(samples) }
}

const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="14" fill="#e4572e"/><g fill="none" stroke="#fff" stroke-width="4.5" stroke-linejoin="round"><path d="M13 23h9l4-6h12l4 6h9v25H13Z"/><circle cx="32" cy="35" r="7.5"/></g></svg>`
