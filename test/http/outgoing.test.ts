import { EventEmitter, once } from 'node:events'
import { gzipSync } from 'node:zlib'
import type { TLSSocket } from 'node:tls'
import type { LookupAddress } from 'node:dns'
import t from 'tap'
import { createFindDestination } from '../../src/http/outgoing-address.ts'
import { loopbackNetworks } from '../../src/http/special-use.ts'
import { createPostForm, createSend, createTrust } from '../../src/http/outgoing.ts'
import { createPlainWebServer, createWebServer } from '../support/web-server.ts'

const get = { accept: 'application/json', maxBytes: 64 * 1024 }

function createClient({
  addresses = [['127.0.0.1']],
  caFile,
  timeoutMilliseconds = 60_000,
  maxRequests = 100,
}: {
  /** What the lookups of every name give, one after the other. */
  addresses?: string[][]
  caFile?: string
  timeoutMilliseconds?: number
  maxRequests?: number
} = {}) {
  const answers = [...addresses]
  const lookup = async (): Promise<LookupAddress[]> =>
    (answers.length > 1 ? answers.shift()! : answers[0]!).map((address) => ({ address, family: 4 }))
  const findDestination = createFindDestination({
    allowedNetworks: loopbackNetworks,
    insecureHttp: false,
    lookup,
  })
  const trust = createTrust(caFile)
  return createSend({ findDestination, trust, timeoutMilliseconds, maxRequests })
}

t.test('a form arrives as one, and the answer comes back', async (t) => {
  const origin = await createPlainWebServer(t, (request, response) => {
    const { method, url, headers } = request
    response.writeHead(400).write(`${method} ${url} ${headers['content-type']} `)
    request.pipe(response)
  })
  const answer = await createPostForm(createClient())(`${origin}/path?a=1`, {
    token: 'a b&c',
    other: '✓',
  })
  t.strictSame(answer, {
    status: 400,
    body: 'POST /path?a=1 application/x-www-form-urlencoded token=a+b%26c&other=%E2%9C%93',
  })
})

t.test(
  'Host, SNI and certificate are those of the name, the address that of the lookup',
  async (t) => {
    const { origin, server, port, requests, caFile } = await createWebServer(
      t,
      (request, response) => response.end(JSON.stringify(request.headers)),
    )
    const names: unknown[] = []
    server.on('secureConnection', (socket: TLSSocket) => names.push(socket.servername))
    const answer = await createClient({ caFile })(`${origin}/keys`, get)
    t.match(answer, { status: 200, fault: undefined })
    t.strictSame(requests, [{ path: '/keys', host: `localhost:${port}` }])
    t.strictSame(names, ['localhost'])
    const headers = 'body' in answer ? Object.keys(JSON.parse(answer.body.toString())) : []
    t.strictSame(headers, ['accept', 'accept-encoding', 'user-agent', 'host', 'connection'])

    const otherName = await createClient({ caFile })(`https://other.example:${port}/`, get)
    t.strictSame(otherName, { failure: 'no connection: ERR_TLS_CERT_ALTNAME_INVALID' })
    const untrusted = await createClient()(`${origin}/`, get)
    t.strictSame(untrusted, { failure: 'no connection: DEPTH_ZERO_SELF_SIGNED_CERT' })
  },
)

t.test(
  'a name that leads elsewhere at a second lookup is connected to as first judged',
  async (t) => {
    const { origin, requests, caFile } = await createWebServer(t, (_, response) =>
      response.end('{}'),
    )
    const client = createClient({ caFile, addresses: [['127.0.0.1'], ['10.0.0.1']] })
    t.match(await client(`${origin}/`, get), { status: 200 })
    t.equal(requests.length, 1)
    t.match(await client(`${origin}/`, get), { failure: /^a special-use address/ })
    t.equal(requests.length, 1, 'the second request is judged by its own lookup')
  },
)

t.test('a redirect is not followed', async (t) => {
  const paths: unknown[] = []
  const origin = await createPlainWebServer(t, (request, response) => {
    paths.push(request.url)
    response.writeHead(302, { location: '/elsewhere' }).end()
  })
  t.match(await createClient()(`${origin}/`, get), { status: 302 })
  t.strictSame(await createPostForm(createClient())(`${origin}/`, {}), { status: 302, body: '' })
  t.strictSame(paths, ['/', '/'])
})

t.test('an endless answer is read to the limit, and hung up', async (t) => {
  const events = new EventEmitter()
  const hungUp = once(events, 'close')
  const origin = await createPlainWebServer(t, (_request, response) => {
    const pour = () => {
      while (response.write('x'.repeat(1000)));
    }
    response.on('drain', pour).on('close', () => events.emit('close'))
    pour()
  })
  const answer = await createClient()(`${origin}/`, { ...get, maxBytes: 5000 })
  t.match(answer, { status: 200, fault: 'an answer of more than 5000 bytes' })
  t.equal('body' in answer && answer.body.length, 5000)
  await hungUp
})

t.test('what comes compressed stays so', async (t) => {
  const bomb = gzipSync(Buffer.alloc(10_000_000))
  const origin = await createPlainWebServer(t, (_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
  )
  const answer = await createClient()(`${origin}/`, get)
  t.ok('body' in answer && answer.body.equals(bomb))
})

t.test('no answer, or none in time, is said in a few words', async (t) => {
  const silent = await createPlainWebServer(t, () => {})
  const hasty = createClient({ timeoutMilliseconds: 20 })
  t.strictSame(await hasty(silent, get), { failure: 'no answer within 0.02 s' })
  const closed = await createPlainWebServer(t, (request) => request.socket.destroy())
  for (const uri of [closed, 'http://127.0.0.1:1/'])
    t.match(await createPostForm(createClient())(uri, { token: 'the secret' }), {
      failure: /^no connection: [\w ]+$/,
    })
})

t.test(
  'whoever never finishes its headers or its body, or resolves no name, is given up too',
  async (t) => {
    const loris = await createPlainWebServer(t, (request) => {
      request.socket.write('HTTP/1.1 200 OK\r\nx-slow: ')
    })
    const hasty = createClient({ timeoutMilliseconds: 20 })
    t.strictSame(await hasty(loris, get), { failure: 'no answer within 0.02 s' })
    const stuck = await createPlainWebServer(t, (_request, response) => void response.write('{'))
    const answer = await hasty(stuck, get)
    t.match('failure' in answer ? answer.failure : answer.fault, /^no answer within|broke off$/)
    const lost = createSend({
      findDestination: () => new Promise(() => {}),
      trust: undefined,
      timeoutMilliseconds: 20,
      maxRequests: 1,
    })
    const keepAlive = setInterval(() => {}, 1000)
    t.strictSame(await lost('https://a.example/', get), { failure: 'no answer within 0.02 s' })
    clearInterval(keepAlive)
  },
)

t.test('the status counts also when the rest does not come', async (t) => {
  const origin = await createPlainWebServer(t, (request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-length': 1000 })
      response.write('the beginning', () => response.socket?.end())
    })
  })
  t.strictSame(await createPostForm(createClient())(origin, {}), {
    status: 200,
    body: 'the beginning',
  })
  t.match(await createClient()(origin, get), { fault: 'an answer that broke off' })
})

t.test(
  'more requests at a time than the limit fail at once, and later ones go again',
  async (t) => {
    const events = new EventEmitter()
    const arrived = once(events, 'request')
    const origin = await createPlainWebServer(t, (_request, response) =>
      events.emit('request', response),
    )
    const client = createClient({ maxRequests: 1 })
    const first = client(origin, get)
    const [response] = await arrived
    t.strictSame(await client(origin, get), { failure: 'too many requests under way' })
    response.end()
    t.match(await first, { status: 200 })
    events.once('request', (next) => next.end())
    t.match(await client(origin, get), { status: 200 })
  },
)
