import t from 'tap'
import {
  detailsFor,
  isPartOf,
  parseAuthorizationDetails,
  requireTypes,
} from '../../src/protocol/authorization-details.ts'

const payment = {
  type: 'payment_initiation',
  actions: ['initiate'],
  locations: ['https://bank.example/payments'],
  instructedAmount: { currency: 'EUR', amount: '123.50' },
}
const account = { type: 'account_information', privileges: ['admin'], identifier: 'DE02' }

t.test('the shape of RFC 9396 §2 is read as it is', async (t) => {
  const details = [payment, account]
  t.strictSame(parseAuthorizationDetails(JSON.stringify(details)), details)
  t.equal(parseAuthorizationDetails(undefined), undefined)
})

t.test('any other is refused, and the answer says what is wrong (§5)', async (t) => {
  const many = Array.from({ length: 11 }, () => account)
  const rows: [text: string, description: RegExp][] = [
    ['[', /not JSON/],
    ['{"type":"a"}', /array of 1 to 10/],
    ['[]', /array of 1 to 10/],
    [JSON.stringify(many), /array of 1 to 10/],
    ['["a"]', /not an object/],
    ['[[]]', /not an object/],
    ['[{"actions":["read"]}]', /without a 'type'/],
    ['[{"type":""}]', /without a 'type'/],
    ['[{"type":7}]', /without a 'type'/],
    ['[{"type":"a","identifier":7}]', /'identifier'/],
    ['[{"type":"a","locations":"https://a.example"}]', /'locations'/],
    ['[{"type":"a","actions":[7]}]', /'actions'/],
    ['[{"type":"a","datatypes":{}}]', /'datatypes'/],
    ['[{"type":"a","privileges":[null]}]', /'privileges'/],
    ['[{"type":"a","x":"\\u0000"}]', /Unicode/],
    [`[{"type":"a","x":${'['.repeat(20)}${']'.repeat(20)}}]`, /deeper/],
    [JSON.stringify([{ type: 'a', x: 'x'.repeat(5000) }]), /longer than 4096/],
  ]
  for (const [text, description] of rows)
    t.throws(
      () => parseAuthorizationDetails(text),
      { code: 'invalid_authorization_details', description },
      text.slice(0, 80),
    )
})

t.test('a type that is not known is refused', async (t) => {
  t.doesNotThrow(() => requireTypes([account], ['account_information'], 'known here'))
  t.doesNotThrow(() => requireTypes(undefined, [], 'known here'))
  t.throws(() => requireTypes([account, payment], ['account_information'], 'known here'), {
    code: 'invalid_authorization_details',
    description: /'payment_initiation'.*known here/,
  })
})

t.test('what was granted may be asked for again, the members in any order (§6)', async (t) => {
  const { type, ...others } = payment
  t.equal(isPartOf([{ ...others, type }], [account, payment]), true)
  t.equal(isPartOf([], undefined), true)
  t.equal(isPartOf([account], undefined), false)
  t.equal(isPartOf([{ type }], [payment]), false, 'less said is more allowed')
  t.equal(isPartOf([{ ...payment, actions: [] }], [payment]), false)
})

t.test('a resource learns what is for it, and what names no location (§9.1)', async (t) => {
  const other = { type: 'a', locations: ['https://other.example'] }
  const all = [payment, account, other]
  t.strictSame(detailsFor([], all), all)
  t.strictSame(detailsFor(['https://bank.example/payments'], all), [payment, account])
  t.strictSame(detailsFor(['https://third.example'], all), [account])
})
