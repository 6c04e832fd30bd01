import * as fc from 'fast-check'
import t from 'tap'
import { OAuthError } from '../../src/protocol/errors.ts'
import { Params, parseParams } from '../../src/protocol/params.ts'

const refused = (words: RegExp) => ({ code: 'invalid_request', status: 400, description: words })

const many = (count: number) => Array.from({ length: count }, (_, index) => `p${index}=1`)

/** What a call throws, for comparison; OAuthErrors only. */
function refusalOf(call: () => unknown): Partial<OAuthError> | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    if (error instanceof OAuthError) return error
    throw error
  }
}

t.test(
  'a form is decoded as application/x-www-form-urlencoded (RFC 6749 Appendix B)',
  async (t) => {
    const params = parseParams('a=1+2%203&b=%C3%BC%F0%9F%98%80&c=x=y&d=%26%3D%25%2B')
    t.strictSame(params.entries(), [
      ['a', '1 2 3'],
      ['b', 'ü😀'],
      ['c', 'x=y'],
      ['d', '&=%+'],
    ])
  },
)

t.test('a parameter without a value is as if it were not there (RFC 6749 §3.1)', async (t) => {
  const params = parseParams('a=&b&=c&&')
  for (const name of ['a', 'b', 'missing']) {
    t.equal(params.get(name), undefined, name)
    t.strictSame(params.all(name), [], name)
    t.match(
      refusalOf(() => params.require(name)),
      refused(new RegExp(`'${name}' is missing`)),
    )
  }
})

t.test('names that objects have by themselves are not found (prototype pollution)', async (t) => {
  const params = parseParams('__proto__=1&constructor=2&toString=3')
  t.equal(params.get('__proto__'), '1')
  t.equal(params.get('hasOwnProperty'), undefined)
  t.equal(new Params().get('constructor'), undefined)
  t.equal(Object.getPrototypeOf({}), Object.prototype)
})

t.test('a repeated parameter is refused when it is looked at (RFC 6749 §3.1, §3.2)', async (t) => {
  for (const text of ['a=1&a=2', 'a=1&a=1', 'a=&a=1', 'a&%61=1']) {
    const params = parseParams(text)
    const expected = refused(/'a' is repeated/)
    t.match(
      refusalOf(() => params.get('a')),
      expected,
      text,
    )
    t.match(
      refusalOf(() => params.require('a')),
      expected,
      text,
    )
    t.match(
      refusalOf(() => params.refuseDuplicates()),
      expected,
      text,
    )
  }
})

t.test('only resource may be repeated (RFC 8707 §2)', async (t) => {
  const params = parseParams('resource=a&resource=b&resource=&A=1&a=2')
  t.equal(params.refuseDuplicates(), params)
  t.strictSame(params.all('resource'), ['a', 'b'])
})

t.test('what is not well-formed UTF-8, or holds a NUL, is refused', async (t) => {
  const texts = ['%', '%z1', '%f', '%FF', '%C0%AF', '%ED%A0%80', '%F4%90%80%80', '%C3', '%00', '\0']
  for (const bad of [...texts, '\ufffd', '%EF%BF%BD'])
    for (const text of [`a=${bad}`, `${bad}=a`, `a=1&b=x${bad}y`])
      t.match(
        refusalOf(() => parseParams(text)),
        refused(/\.$/),
        JSON.stringify(text),
      )
})

t.test('a hundred parameters are accepted, one more is not', async (t) => {
  t.equal(parseParams(many(100).join('&')).entries().length, 100)
  t.match(
    refusalOf(() => parseParams(many(101).join('&'))),
    refused(/at most 100/),
  )
  t.match(
    refusalOf(() => parseParams('&'.repeat(50_000))),
    refused(/at most 100/),
    'empty ones as well',
  )
})

t.test('whatever is encoded comes back, and whatever comes in is parsed or refused', async () => {
  const text = fc.string({ unit: 'grapheme' }).filter((one) => !/[\0\ufffd]/.test(one))
  const pairs = fc.uniqueArray(fc.tuple(text, text), { maxLength: 20, selector: ([name]) => name })
  fc.assert(
    fc.property(pairs, (entries) => {
      const parsed = parseParams(new URLSearchParams(entries).toString())
      return entries.every(([name, value]) => parsed.get(name) === (value || undefined))
    }),
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (any) => {
      const refusal = refusalOf(() => parseParams(any))
      return refusal === undefined || refusal.code === 'invalid_request'
    }),
  )
})
