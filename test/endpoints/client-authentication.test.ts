/** Bad client credentials at every endpoint that takes them (RFC 6749 §2.3, §5.2; RFC 7617). */
import t from 'tap'
import type { Answer } from '../support/raw-http.ts'
import { createParties, endpoints } from './client-parties.ts'

const { provider, basicClient, postClient, present, refused, assertion } = await createParties(t)
const invalidRequest = { status: 400, error: 'invalid_request' }
const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64')
const basic = (text: string | Buffer) => `Basic ${base64(text)}`
const { clientId, secret } = basicClient
const good = { header: basic(`${clientId}:${secret}`) }

t.test('good credentials are accepted, so what follows proves something', async (t) => {
  const form = { client_id: 'post-client', client_secret: postClient.secret }
  for (const [path, fields] of endpoints)
    for (const credentials of [good, { form }, { form: await assertion() }])
      t.equal((await present(path, fields, credentials)).status, 200, path)
})

t.test('a malformed Authorization header is invalid_client, with the challenge', async (t) => {
  const headers: Record<string, string> = {
    'nothing in it': '',
    'no credentials': 'Basic',
    'empty credentials': 'Basic ',
    'another scheme': `Bearer ${base64(`${clientId}:${secret}`)}`,
    'two credentials': `${good.header} ${good.header}`,
    'a list of two': `${good.header}, ${good.header}`,
    'not base64': 'Basic !!!!',
    base64url: `Basic ${Buffer.from([251, 255, 191]).toString('base64url')}`,
    'no padding': good.header.replace(/=*$/, '').slice(0, -1),
    'too much padding': `${good.header}====`,
    'no colon': basic(clientId),
    'only a colon': basic(':'),
    'no client_id': basic(`:${secret}`),
    'no secret': basic(`${clientId}:`),
    'not UTF-8': basic(Buffer.from([0xff, 0xfe, 0x3a, 0xff])),
    'Latin-1': basic(Buffer.from('clïent:secrèt', 'latin1')),
    'a NUL': basic(`${clientId}\0:${secret}`),
    'an encoded NUL': basic(`${clientId}%00:${secret}`),
    'line breaks': basic(`${clientId}:${secret}\r\n`),
    'a BOM': basic(`\ufeff${clientId}:${secret}`),
    'bad percent-encoding': basic(`${clientId}:%zz`),
    'percent-encoding that is not UTF-8': basic(`%ff:${secret}`),
    'the parts encoded together': basic(encodeURIComponent(`${clientId}:${secret}`)),
    'another case': basic(`${clientId.toUpperCase()}:${secret}`),
    'spaces around': basic(` ${clientId}:${secret} `),
    'very long': basic(`${clientId}:${'a'.repeat(6000)}`),
    'a very long client_id': basic(`${'a'.repeat(6000)}:${secret}`),
  }
  for (const [name, header] of Object.entries(headers)) await refused(t, { header }, name)
})

t.test('percent-encoded parts are decoded, each by itself (RFC 6749 §2.3.1)', async (t) => {
  const header = basic(`${encodeAll(clientId)}:${encodeAll(secret)}`)
  for (const [path, fields] of endpoints)
    t.equal((await present(path, fields, { header })).status, 200, path)
})

t.test('an unknown client, a wrong secret and another method get the same answer', async (t) => {
  const [unknown] = await refused(t, { header: basic('nobody:secret') }, 'unknown, Basic')
  const inHeader = ['basic-client:wrong', 'post-client:wrong', 'key-client:x', '__proto__:x']
  for (const pair of [...inHeader, `post-client:${postClient.secret}`, `nobody:${secret}`]) {
    const [answer] = await refused(t, { header: basic(pair) }, pair)
    t.strictSame(essence(answer), essence(unknown), pair)
  }
  const form = { client_id: 'nobody', client_secret: 'wrong' }
  const [unknownToo] = await refused(t, { form }, 'unknown, post')
  for (const client_id of ['basic-client', 'post-client', 'key-client']) {
    const [answer] = await refused(t, { form: { ...form, client_id } }, `${client_id}, post`)
    t.strictSame(essence(answer), essence(unknownToo), client_id)
  }
})

t.test('a client that must authenticate and does not is invalid_client', async (t) => {
  await refused(t, {}, 'nobody')
  for (const client_id of ['basic-client', 'post-client', 'key-client', 'nobody', 'a\u00e9'])
    await refused(t, { form: { client_id } }, client_id)
  await refused(t, { form: { client_secret: secret } }, 'a secret alone')
})

t.test('two methods at once are invalid_request (RFC 6749 §2.3)', async (t) => {
  const form = { client_id: clientId, client_secret: secret }
  await refused(t, { ...good, form }, 'Basic and post', invalidRequest)
  await refused(t, { ...good, form: await assertion() }, 'Basic and assertion', invalidRequest)
  const both = { ...(await assertion()), client_id: 'key-client', client_secret: 'x' }
  await refused(t, { form: both }, 'post and assertion', invalidRequest)
})

t.test('no secret is in the log', async (t) => {
  const log = provider.logged.map((line) => JSON.stringify(line)).join('\n')
  for (const text of [secret, postClient.secret, base64(`${clientId}:${secret}`)])
    t.notOk(log.includes(text))
  t.strictSame(
    provider.logged.filter(({ level }) => Number(level) >= 50),
    [],
  )
})

/** What an answer tells an attacker. */
function essence(answer: Answer | undefined): object | undefined {
  if (!answer) return undefined
  const { status, headers, body } = answer
  const challenge = headers.get('www-authenticate')
  return { status, challenge, body: { ...(JSON.parse(body) as object), request_id: '' } }
}

function encodeAll(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}
