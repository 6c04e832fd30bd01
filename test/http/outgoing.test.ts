import { EventEmitter, once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import t, { type Test } from 'tap'
import { createPostForm } from '../../src/http/outgoing.ts'

const patient = { timeoutMilliseconds: 60_000, maxBytes: 64 * 1024 }

async function serve(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/path?a=1`
}

t.test('a form arrives as one, and the answer comes back', async (t) => {
  const uri = await serve(t, (request, response) => {
    const { method, url, headers } = request
    response.writeHead(400).write(`${method} ${url} ${headers['content-type']} `)
    request.pipe(response)
  })
  const answer = await createPostForm(patient)(uri, { token: 'a b&c', other: '✓' })
  t.strictSame(answer, {
    status: 400,
    body: 'POST /path?a=1 application/x-www-form-urlencoded token=a+b%26c&other=%E2%9C%93',
  })
})

t.test('a redirect is an answer like any other', async (t) => {
  let requests = 0
  const uri = await serve(t, (_request, response) => {
    requests++
    response.writeHead(302, { location: '/elsewhere' }).end()
  })
  t.strictSame(await createPostForm(patient)(uri, {}), { status: 302, body: '' })
  t.equal(requests, 1)
})

t.test('an endless answer is read to the limit, and hung up', async (t) => {
  const events = new EventEmitter()
  const hungUp = once(events, 'close')
  const uri = await serve(t, (_request, response) => {
    const pour = () => {
      while (response.write('x'.repeat(1000)));
    }
    response.on('drain', pour).on('close', () => events.emit('close'))
    pour()
  })
  const answer = await createPostForm({ ...patient, maxBytes: 5000 })(uri, {})
  t.strictSame(answer, { status: 200, body: 'x'.repeat(5000) })
  await hungUp
})

t.test('no answer, or none in time, is said in a few words', async (t) => {
  const silent = await serve(t, () => {})
  const postForm = createPostForm({ ...patient, timeoutMilliseconds: 20 })
  t.strictSame(await postForm(silent, {}), { failure: 'no answer within 0.02 s' })
  const closed = await serve(t, (request) => request.socket.destroy())
  for (const uri of [closed, 'http://127.0.0.1:1/', 'nonsense']) {
    const answer = await createPostForm(patient)(uri, { token: 'the secret' })
    t.match(answer, { failure: /^no connection: [\w ]+$/ })
  }
})

t.test('the status counts also when the rest does not come', async (t) => {
  const uri = await serve(t, (request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-length': 1000 })
      response.write('the beginning', () => response.socket?.end())
    })
  })
  t.strictSame(await createPostForm(patient)(uri, {}), { status: 200, body: 'the beginning' })
})
