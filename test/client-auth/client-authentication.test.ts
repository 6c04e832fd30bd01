import t from 'tap'
import type { Test } from 'tap'
import { authMethodNames, createClientAuthentication } from '../../src/client-auth/index.ts'
import { createAssertionStore } from '../../src/client-auth/store.ts'
import { createClientKeys } from '../../src/clients/client-keys.ts'
import { createRemoteKeys } from '../../src/clients/remote-keys.ts'
import { createClientRegistry } from '../../src/clients/registry.ts'
import { createClientStore } from '../../src/clients/store.ts'
import { OAuthError, type ErrorCode } from '../../src/protocol/errors.ts'
import { Params } from '../../src/protocol/params.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'
import { createTestWitness } from '../support/witness.ts'

const findSectorFault = async () => undefined

const secret = 'correct-horse-battery-staple-secret'
const oddSecret = 'p:a%s+s w"o\\rd/~' // what must be form-encoded
const challenge = 'Basic realm="claviger", charset="UTF-8"'

async function setUp(t: Test) {
  const database = await createTestDatabase(t)
  const clock = createTestClock()
  const remoteKeys = createRemoteKeys({ fetchDocument: async () => ({ failure: 'none' }), clock })
  const supported = {
    grantTypes: ['authorization_code', 'client_credentials'],
    authMethods: authMethodNames,
    algorithms: ['RS256', 'ES256'],
  }
  const store = createClientStore(database)
  const clients = createClientRegistry({ store, clock, cacheSize: 100, supported, findSectorFault })
  const authentication = createClientAuthentication({
    clients,
    assertions: createAssertionStore(database),
    clock,
    issuer: 'https://issuer.example',
    clientKeys: createClientKeys({ remoteKeys }),
    authorities: [],
    endpoints: ['https://issuer.example/token'],
    skewSeconds: 10,
  })
  const web = { redirect_uris: ['https://app.example.com/cb'] }
  const methods = { basic: 'client_secret_basic', post: 'client_secret_post', open: 'none' }
  for (const [client_id, token_endpoint_auth_method] of Object.entries(methods))
    await clients.create({
      ...web,
      client_id,
      token_endpoint_auth_method,
      ...(client_id !== 'open' && { client_secret: secret }),
    })
  await clients.create({ ...web, client_id: 'odd', client_secret: oddSecret })

  /** The client_id and the method, or the refusal. */
  async function attempt(form: Record<string, string>, authorization?: string) {
    try {
      const params = new Params(Object.entries(form))
      const request = {
        authorization,
        certificate: undefined,
        params,
        witness: createTestWitness().witness,
      }
      const { client, method } = await authentication.authenticate(request)
      return `${client.clientId} by ${method}`
    } catch (error) {
      if (error instanceof OAuthError) return error
      throw error
    }
  }

  async function refuses(
    t: Test,
    code: ErrorCode,
    words: RegExp,
    form: Record<string, string>,
    authorization?: string,
  ): Promise<OAuthError> {
    const answer = await attempt(form, authorization)
    const message = `${JSON.stringify(form)} ${authorization ?? ''}`.slice(0, 120)
    if (!(answer instanceof OAuthError)) throw new Error(`${message} was accepted: ${answer}`)
    t.equal(answer.code, code, message)
    t.match(answer.description, words, message)
    t.notOk(answer.message.includes(secret) || answer.detail?.includes(secret), 'no secret is told')
    const isChallenged = code === 'invalid_client' && authorization !== undefined
    t.equal(answer.headers['WWW-Authenticate'], isChallenged ? challenge : undefined, message)
    if (code === 'invalid_client') t.equal(answer.status, 401)
    return answer
  }
  return { database, clients, authentication, attempt, refuses }
}

const encode = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
const basic = (id: string, password: string) =>
  encode([id, password].map((part) => encodeURIComponent(part).replaceAll('%20', '+')).join(':'))

t.test('discovery can list the methods', async (t) => {
  t.same(authMethodNames, ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'])
})

t.test(
  'the right credentials by the registered method are accepted (RFC 6749 §2.3.1)',
  async (t) => {
    const { attempt } = await setUp(t)
    t.equal(await attempt({}, basic('basic', secret)), 'basic by client_secret_basic')
    t.equal(
      await attempt({ client_id: 'basic' }, basic('basic', secret)),
      'basic by client_secret_basic',
    )
    t.equal(
      await attempt({}, basic('basic', secret).replace('Basic', 'bASIC ')),
      'basic by client_secret_basic',
    )
    t.equal(await attempt({}, basic('odd', oddSecret)), 'odd by client_secret_basic')
    t.equal(
      await attempt({ client_id: 'post', client_secret: secret }),
      'post by client_secret_post',
    )
    t.equal(await attempt({ client_id: 'open' }), 'open by none')
    t.equal(
      await attempt({ client_id: 'open', client_secret: '' }),
      'open by none',
      'empty is as if omitted',
    )
  },
)

t.test('both parts of Basic are form-encoded (RFC 6749 §2.3.1)', async (t) => {
  const { clients, attempt, refuses } = await setUp(t)
  await clients.rotateSecret('odd', 'a b+c%')
  t.equal(await attempt({}, encode('odd:a+b%2Bc%25')), 'odd by client_secret_basic')
  await refuses(t, 'invalid_client', /could not be authenticated/, {}, encode('odd:a b+c%25'))
  await clients.rotateSecret('odd', 'a:b')
  t.equal(
    await attempt({}, encode('odd:a:b')),
    'odd by client_secret_basic',
    'the first colon separates',
  )
  t.equal(await attempt({}, encode('%6fdd:a%3Ab')), 'odd by client_secret_basic')
})

t.test('an unknown client, a wrong secret and another method get the same answer', async (t) => {
  const { refuses, database, clients } = await setUp(t)
  const words =
    /^The client could not be authenticated by client_secret_basic\. Check the client_id/
  const answers = [
    await refuses(t, 'invalid_client', words, {}, basic('unknown', secret)),
    await refuses(t, 'invalid_client', words, {}, basic('basic', `${secret}x`)),
    await refuses(t, 'invalid_client', words, {}, basic('basic', '')),
    await refuses(t, 'invalid_client', words, {}, basic('post', secret)),
    await refuses(t, 'invalid_client', words, {}, basic('open', secret)),
    await refuses(t, 'invalid_client', words, {}, basic('open', '')),
    await refuses(t, 'invalid_client', words, {}, basic('un\0known', secret)),
  ]
  await database.query(`update clients set revoked_at = created_at where client_id = 'basic'`)
  clients.invalidate()
  answers.push(await refuses(t, 'invalid_client', words, {}, basic('basic', secret)))
  t.equal(new Set(answers.map(({ description }) => description)).size, 1)
  const details = answers.map(({ detail }) => detail)
  t.match(details, [
    'The client is unknown',
    'The client_secret is wrong',
    'The client_secret is wrong',
    'The client is registered for client_secret_post',
    'The client is registered for none',
    'The client is registered for none',
    'The client is unknown',
    'The client is revoked',
  ])
})

t.test('only the registered method will do', async (t) => {
  const { refuses } = await setUp(t)
  const words = /^The client could not be authenticated by/
  await refuses(t, 'invalid_client', words, { client_id: 'basic', client_secret: secret })
  await refuses(t, 'invalid_client', words, { client_id: 'post', client_secret: `${secret}x` })
  await refuses(t, 'invalid_client', words, { client_id: 'open', client_secret: secret })
  await refuses(t, 'invalid_client', words, { client_id: 'unknown', client_secret: secret })
  await refuses(t, 'invalid_client', words, { client_id: 'basic' })
  await refuses(t, 'invalid_client', words, { client_id: 'post' })
  await refuses(t, 'invalid_client', words, { client_id: 'unknown' })
  await refuses(t, 'invalid_client', words, { client_id: '\0' })
})

t.test(
  'a malformed Authorization header is invalid_client with a challenge (RFC 6749 §5.2)',
  async (t) => {
    const { refuses } = await setUp(t)
    const malformed = /^The Basic credentials are malformed/
    const scheme = /^The Authorization header is not of the Basic scheme/
    const credentials = Buffer.from(`basic:${secret}`)
    const cases: [string, RegExp][] = [
      ['', scheme],
      ['Basic', scheme],
      ['Bearer abc', scheme],
      ['DPoP abc', scheme],
      [`Basic ${credentials.toString('base64')} x`, scheme],
      [`Basic\t${credentials.toString('base64')}`, scheme],
      ['Basic ', malformed],
      ['Basic !!!!', malformed],
      [`Basic ${credentials.toString('base64')}=`, malformed],
      [encode('basic').replace('=', ''), malformed],
      [encode('a').replaceAll('=', ''), malformed],
      ['Basic YQ', malformed],
      ['Basic YR==', malformed], // not the canonical encoding of "a"
      [`Basic ${Buffer.from('basic:\u00ff\u00fe?').toString('base64url')}`, malformed],
      [`Basic ${Buffer.from([0x61, 0x3a, 0xff]).toString('base64')}`, malformed],
      [encode('no colon'), malformed],
      [encode(`:${secret}`), malformed],
      [encode('basic:100%'), malformed],
      [encode('basic:%ff'), malformed],
      [encode('%zz:x'), malformed],
      [encode(`basic:${'a'.repeat(4096)}`), /within 4096 characters/],
    ]
    for (const [header, words] of cases) await refuses(t, 'invalid_client', words, {}, header)
  },
)

t.test('the client_id in the body must be that of the header', async (t) => {
  const { refuses } = await setUp(t)
  const words = /^The client_id in the body is not the one in the Authorization header/
  await refuses(t, 'invalid_client', words, { client_id: 'post' }, basic('basic', secret))
})

t.test('a request without any client is told what to send', async (t) => {
  const { refuses } = await setUp(t)
  await refuses(t, 'invalid_client', /^The client is not named. Send its client_id/, {})
  await refuses(t, 'invalid_client', /came without a client_id/, { client_secret: secret })
})

t.test('more than one method in a request is invalid_request (RFC 6749 §2.3, §5.2)', async (t) => {
  const { refuses } = await setUp(t)
  const words =
    /^The client authenticates by more than one method: client_secret_basic, client_secret_post\./
  const body = { client_id: 'basic', client_secret: secret }
  await refuses(t, 'invalid_request', words, body, basic('basic', secret))
})

t.test('a repeated parameter is invalid_request (RFC 6749 §3.2)', async (t) => {
  const { authentication } = await setUp(t)
  for (const name of ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type']) {
    const params = new Params([
      [name, 'open'],
      [name, 'open'],
    ])
    const refusal = { code: 'invalid_request', description: new RegExp(name) }
    const request = {
      authorization: undefined,
      certificate: undefined,
      params,
      witness: createTestWitness().witness,
    }
    await t.rejects(authentication.authenticate(request), refusal)
  }
})
