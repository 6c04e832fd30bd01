import * as fc from 'fast-check'
import t from 'tap'
import { normalizeTargetUri } from '../../src/verifier/target-uri.ts'

t.test('URIs that RFC 3986 §6.2.2 and §6.2.3 call the same are the same', async (t) => {
  const same: [string, string][] = [
    ['HTTPS://API.Example.com/a', 'https://api.example.com/a'],
    ['https://api.example.com', 'https://api.example.com/'],
    ['https://api.example.com:443/a', 'https://api.example.com/a'],
    ['http://api.example.com:80/a', 'http://api.example.com/a'],
    ['https://api.example.com:/a', 'https://api.example.com/a'],
    ['https://api.example.com/%7ealice', 'https://api.example.com/~alice'],
    ['https://api.example.com/a%2fb', 'https://api.example.com/a%2Fb'],
    ['https://api.example.com/a/./b/../c', 'https://api.example.com/a/c'],
    ['https://api.example.com/a/%2E%2e/c', 'https://api.example.com/c'],
    ['https://api.example.com/.a/./b/x/../c/.', 'https://api.example.com/.a/b/c/'],
    ['https://api.example.com/a?x=1#y', 'https://api.example.com/a'],
    ['https://api.example.com?x', 'https://api.example.com/'],
  ]
  for (const [left, right] of same)
    t.equal(normalizeTargetUri(left), normalizeTargetUri(right), left)
})

t.test('others are not', async (t) => {
  const different = [
    'https://api.example.com/a',
    'http://api.example.com/a',
    'https://api.example.com:8443/a',
    'https://api.example.com./a',
    'https://api.example.com/A',
    'https://api.example.com/a/',
    'https://api.example.com//a',
    'https://api.example.com/a%2Fb',
    'https://api.example.com/a/b',
    'https://api.example.com/a%252Fb',
    'https://api.example.com/a;b',
  ]
  t.equal(new Set(different.map(normalizeTargetUri)).size, different.length)
})

t.test('what is no plain http(s) URI is none', async (t) => {
  for (const text of [
    '',
    '/a',
    'api.example.com/a',
    'ftp://api.example.com/a',
    'https:api.example.com/a',
    'https:///api.example.com/a',
    'https://api.example.com@evil.example/a',
    'https://user:password@api.example.com/a',
    String.raw`https://api.example.com\a`,
    String.raw`https:\\api.example.com/a`,
    ' https://api.example.com/a',
    'https://api.example.com/a\n',
    'https://api.exa\tmple.com/a',
    'https://api.example.com:99999/a',
    'https://[::1/a',
  ])
    t.equal(normalizeTargetUri(text), undefined, JSON.stringify(text))
})

const segment = fc
  .string({
    unit: fc.constantFrom(...Array.from('abzAZ09-._~!$&()*+,;=:@')),
    minLength: 1,
    maxLength: 6,
  })
  .filter((text) => text !== '.' && text !== '..')
const parts = fc.record({
  host: fc.domain(),
  segments: fc.array(segment, { maxLength: 5 }),
  query: fc.option(fc.webQueryParameters()),
  fragment: fc.option(fc.webFragments()),
})
const mask = fc.infiniteStream(fc.nat(5))

t.test(
  'it is blind to case, escapes, dots, ports, query and fragment, and to nothing else',
  async (t) => {
    const property = fc.property(parts, mask, ({ host, segments, query, fragment }, choices) => {
      const choose = () => choices.next().value
      const disguise = (text: string) =>
        Array.from(text)
          .map((character) => {
            if (!/[\w\-.~]/.test(character) || choose() > 1) return character
            const octet = character.codePointAt(0)!.toString(16)
            return `%${choose() > 2 ? octet.toUpperCase() : octet}`
          })
          .join('')
      const detours = ['', './', '%2e/', 'x/../', 'x/%2E./', '']
      const plain = `https://${host}/${segments.join('/')}`
      const disguised =
        `${choose() > 2 ? 'HTTPS' : 'https'}://` +
        `${choose() > 2 ? host.toUpperCase() : host}${choose() > 2 ? ':443' : ''}/` +
        segments.map((text) => `${detours[choose()]}${disguise(text)}`).join('/') +
        (query === null ? '' : `?${query}`) +
        (fragment === null ? '' : `#${fragment}`)
      const normal = normalizeTargetUri(plain)
      return (
        normal !== undefined &&
        normalizeTargetUri(disguised) === normal &&
        normalizeTargetUri(normal) === normal
      )
    })
    fc.assert(property, { numRuns: 1000 })
    t.pass('for 1000 random URIs')

    const differ = fc.property(parts, parts, (left, right) => {
      const [one, other] = [left, right].map(({ host, segments }) =>
        [host.toLowerCase(), ...segments].join('/'),
      )
      const normalOf = ({ host, segments }: typeof left) =>
        normalizeTargetUri(`https://${host}/${segments.join('/')}`)
      return (one === other) === (normalOf(left) === normalOf(right))
    })
    fc.assert(differ, { numRuns: 1000 })
    t.pass('for 1000 random pairs')
  },
)

t.test('no text makes it throw', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      normalizeTargetUri(text)
      normalizeTargetUri(`https://${text}`)
    }),
  )
  t.pass('for 200 random texts')
})
