import * as fc from 'fast-check'
import t from 'tap'
import { createRules, decodePath, findPathFault } from '../../src/gateway/rules.ts'

const erase = { path: '/orders/*', methods: ['DELETE'], claims: { roles: 'admin' } }
const read = { path: '/orders/*', scopes: ['orders:read'] }
const status = { path: '/status', methods: ['GET'], public: true as const }
const findRule = createRules([status, erase, read])

t.test('the first rule that matches path and method decides', async (t) => {
  t.equal(findRule({ method: 'DELETE', path: '/orders/1' }), erase)
  t.equal(findRule({ method: 'GET', path: '/orders/1' }), read)
  t.equal(findRule({ method: 'GET', path: '/orders' }), read, '/orders/* is /orders too')
  t.equal(findRule({ method: 'HEAD', path: '/status' }), status, 'GET stands for HEAD')
  const head = { path: '/status', methods: ['HEAD'], scopes: ['status'] }
  t.equal(createRules([head, status])({ method: 'HEAD', path: '/status' }), head)
})

t.test('what matches no rule finds none', async (t) => {
  t.equal(findRule({ method: 'GET', path: '/' }), undefined)
  t.equal(findRule({ method: 'GET', path: '/ordersx' }), undefined)
  t.equal(findRule({ method: 'GET', path: '/status/more' }), undefined)
  t.equal(findRule({ method: 'POST', path: '/status' }), undefined)
})

t.test('letter case and a trailing slash lead around no rule', async (t) => {
  for (const path of ['/Orders/1', '/ORDERS/1', '/orders/1/', '/orders/', '/Orders'])
    t.equal(findRule({ method: 'DELETE', path }), erase, path)
})

t.test('a path that a service might read differently is none', async (t) => {
  const targets = [
    '/orders/../admin',
    '/orders/%2e%2e/admin',
    '/orders//1',
    '/orders%2f1',
    '/orders%2F1',
    '/orders%5c1',
    '/orders\\1',
    '/orders;v=1/1',
    '/orders%3bv=1',
    '/orders%252f1',
    '/orders%00',
    '/orders%0a',
    '/orders/%',
    '/orders/%ff',
    '/./orders',
    'orders',
    '*',
    '',
    'http://other/orders',
    '/orders#1',
    '/orders#/../admin',
    '/caf\u00c3\u00a9', // as node reads the bytes of an é
    '/orders /1',
  ]
  for (const target of targets) t.equal(decodePath(target), undefined, JSON.stringify(target))
})

t.test('a plain path is decoded, its query left out', async (t) => {
  t.equal(decodePath('/orders/1?all=//..'), '/orders/1')
  t.equal(decodePath('/%6Frders/a%20b'), '/orders/a b')
  t.equal(decodePath('/caf%C3%A9'), '/café')
})

/** 0 as it is, 1 in upper case, 2 and 3 percent-encoded. */
function encode(letter: string, how: number): string {
  const code = letter.charCodeAt(0).toString(16).padStart(2, '0')
  return [letter, letter.toUpperCase(), `%${code}`, `%${code.toUpperCase()}`][how] ?? letter
}

t.test('however a path below a rule is written, the rule is found for it', async () => {
  const spelling = fc.array(fc.nat(3), { minLength: 9, maxLength: 9 }).map((how) =>
    '/orders/1'
      .split('')
      .map((letter, i) => (letter === '/' ? '/' : encode(letter, how[i]!)))
      .join(''),
  )
  fc.assert(
    fc.property(spelling, (target) => {
      const path = decodePath(target)
      return path !== undefined && findRule({ method: 'DELETE', path }) === erase
    }),
  )
})

t.test('the path of a rule is written decoded and without query', async (t) => {
  for (const path of ['/', '/*', '/orders', '/orders/*', '/a b', '/Orders'])
    t.equal(findPathFault(path), undefined, path)
  for (const path of [
    '',
    'orders',
    '/orders*',
    '/*/orders',
    '/a%20b',
    '/a?b',
    '/a//b',
    '/a/../b',
    '/a#b',
  ])
    t.type(findPathFault(path), 'string', path)
})
