import t from 'tap'
import {
  demandedValues,
  namesIn,
  narrowClaimsRequest,
  parseClaimsRequest,
} from '../../src/protocol/claims-request.ts'

t.test('the claims parameter is read as OpenID Connect Core §5.5 has it', async (t) => {
  const text = `{
    "userinfo": {"given_name": {"essential": true}, "nickname": null, "email": {"essential": true}},
    "id_token": {"auth_time": {"essential": true}, "acr": {"values": ["urn:a", "urn:b"]}, "nickname": {}},
    "else": 7
  }`
  const request = parseClaimsRequest(text)
  t.strictSame(request, {
    userinfo: { given_name: { essential: true }, nickname: null, email: { essential: true } },
    id_token: { auth_time: { essential: true }, acr: { values: ['urn:a', 'urn:b'] }, nickname: {} },
  })
  t.strictSame(namesIn(request, 'userinfo'), ['given_name', 'nickname', 'email'])
  t.strictSame(namesIn(request), ['given_name', 'nickname', 'email', 'auth_time', 'acr'])
  t.strictSame(
    narrowClaimsRequest(request, (name) => name === 'email'),
    { userinfo: { email: { essential: true } } },
  )
  t.equal(
    narrowClaimsRequest(request, () => false),
    undefined,
  )
  t.equal(parseClaimsRequest(undefined), undefined)
  t.strictSame(parseClaimsRequest('{"id_token":null}'), {})
})

t.test('the values that are asked for', async (t) => {
  t.equal(demandedValues(undefined), undefined)
  t.equal(demandedValues(null), undefined)
  t.equal(demandedValues({ essential: true }), undefined)
  t.strictSame(demandedValues({ value: 'a' }), ['a'])
  t.strictSame(demandedValues({ values: ['a', 7] }), ['a'])
  t.strictSame(demandedValues({ value: 7 }), [], 'no string will do')
})

t.test('what has another shape is refused, and the answer says what is wrong', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`c${i}`, null]))
  const rows: [text: string, description: RegExp][] = [
    ['{', /not JSON/],
    ['[]', /not a JSON object/],
    ['null', /not a JSON object/],
    ['{"userinfo":["name"]}', /'userinfo' that is not an object/],
    ['{"id_token":{"acr":"urn:a"}}', /wrong 'acr' in 'id_token'/],
    ['{"id_token":{"acr":{"essential":"yes"}}}', /wrong 'acr'/],
    ['{"id_token":{"acr":{"values":"urn:a"}}}', /wrong 'acr'/],
    ['{"userinfo":{"name":{"value":"\\u0000"}}}', /Unicode/],
    [`{"userinfo":{"name":{"value":${'['.repeat(20)}${']'.repeat(20)}}}}`, /deeper/],
    [JSON.stringify({ userinfo: many }), /more than 50/],
  ]
  for (const [text, description] of rows)
    t.throws(() => parseClaimsRequest(text), { code: 'invalid_request', description }, text)
})

t.test('a claim of the name __proto__ is one like others', async (t) => {
  const request = parseClaimsRequest('{"userinfo":{"__proto__":{"essential":true}}}')
  t.strictSame(namesIn(request), ['__proto__'])
  t.equal(request?.userinfo && Object.getPrototypeOf(request.userinfo), Object.prototype)
})
