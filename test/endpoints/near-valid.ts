/** The grammar of the fuzz test: requests that are in order, with a few things changed. */
import * as fc from 'fast-check'
import { redirectUri } from '../support/provider.ts'
import { formType, type RawRequest } from '../support/raw-http.ts'

/** A request in order, but for something that makes it worth nothing. */
export interface Seed {
  path: string
  methods: string[]
  parameters: Record<string, string>
  headers?: Record<string, string>
}

/** One with JSON, which is its body, or which `place` puts where it goes. */
export interface JsonSeed extends Omit<Seed, 'parameters'> {
  json: object
  place?: (json: string) => Partial<Pick<Seed, 'parameters' | 'headers'>>
}

type Pair = [name: string, value: string]
type Change = (pairs: Pair[]) => Pair[]

export function nearlyValid(seeds: readonly Seed[]): fc.Arbitrary<Required<RawRequest>> {
  const names = [...new Set(seeds.flatMap(({ parameters }) => Object.keys(parameters))), ...others]
  const changes = fc.array(changeOf(names, value), { maxLength: 4 })
  return fc
    .tuple(withMethod(seeds), changes, spoil, headerChange)
    .map(([[{ path, parameters, headers }, method], changes, spoiled, changedHeaders]) => {
      const pairs = changes.reduce((all, change) => change(all), Object.entries(parameters))
      return toRequest(method, path, {
        text: spoiled(new URLSearchParams(pairs).toString()),
        headers: { 'content-type': formType, ...headers, ...changedHeaders },
      })
    })
}

/** Its members are changed as parameters are: one may be there twice, or be no JSON at all. */
export function nearlyValidJson(seeds: readonly JsonSeed[]): fc.Arbitrary<Required<RawRequest>> {
  const names = [...new Set(seeds.flatMap(({ json }) => Object.keys(json))), ...others]
  const changes = fc.array(changeOf(names, jsonValue), { maxLength: 4 })
  return fc
    .tuple(withMethod(seeds), changes, headerChange)
    .map(([[{ path, json, place, headers }, method], changes, changedHeaders]) => {
      const members = Object.entries(json).map(([name, item]): Pair => [name, JSON.stringify(item)])
      const changed = changes.reduce((all, change) => change(all), members)
      const text = `{${changed.map(([name, item]) => `${JSON.stringify(name)}:${item}`).join()}}`
      const type = place ? formType : 'application/json'
      const placed = place?.(text) ?? {}
      return toRequest(method, path, {
        text: place ? new URLSearchParams(placed.parameters).toString() : text,
        headers: { 'content-type': type, ...headers, ...placed.headers, ...changedHeaders },
      })
    })
}

function withMethod<Any extends { methods: string[] }>(seeds: readonly Any[]) {
  return fc
    .constantFrom(...seeds)
    .chain((seed) => fc.tuple(fc.constant(seed), fc.constantFrom(...seed.methods)))
}

function toRequest(
  method: string,
  path: string,
  { text, headers }: { text: string; headers: Record<string, string> },
): Required<RawRequest> {
  const isGet = method === 'GET'
  return { method, path: isGet ? `${path}?${text}` : path, headers, body: isGet ? '' : text }
}

/** Values that mean something somewhere, or nothing anywhere. */
const oddities = [
  '',
  ' ',
  '\0',
  '\r\nset-cookie: x=1',
  '%',
  '%25',
  '\ufffd',
  '\ud83d\ude00',
  '\u202eevil',
  '__proto__',
  'constructor',
  '[object Object]',
  '{"id_token":{"acr":{"essential":true,"values":[]}},"userinfo":{"__proto__":null}}',
  '{"id_token":{"sub":{"value":{}}}}',
  '[{"type":"payment","locations":["x"]}]',
  'null',
  'none',
  'true',
  '-1',
  '1e309',
  '9'.repeat(30),
  'a'.repeat(5000),
  'code token',
  'openid openid',
  'refresh_token',
  'password',
  'client_credentials',
  'form_post',
  'fragment',
  'jwt',
  'form_post.jwt',
  'consent',
  'deny',
  'allow',
  'create',
  'login consent',
  'select_account create',
  'https://evil.example/callback',
  '//evil.example',
  `${redirectUri}/`,
  `${redirectUri}#f`,
  'urn:ietf:params:oauth:request_uri:x',
  '..',
  'a.b.c',
  `'; drop table users; --`,
  '<script>alert(1)</script>',
]
/** Names of parameters beside those of the seeds. */
const others = [
  'request',
  'request_uri',
  'prompt',
  'max_age',
  'login_hint',
  'response_mode',
  'claims',
  'acr_values',
  'authorization_details',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'software_statement',
  'jwks',
  'jwks_uri',
  '',
  '__proto__',
  'x',
]

const value = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...oddities) },
  fc.string({ unit: 'binary', maxLength: 20 }),
)
/** As text, since some of it no object could hold. */
const jsonOddities = [
  'null',
  'true',
  '-0',
  '1e999',
  '12345678901234567890',
  '1.5',
  '{}',
  '[]',
  '[null]',
  '["openid","openid"]',
  '[[]]',
  '{"__proto__":{"client_id":"x"},"constructor":null}',
  '"\\u0000"',
  '"\\ud800"',
  '{"\\udfff":1}',
  '[{"type":["payment"]}]',
  '[{"type":"payment","__proto__":{"type":"x"}}]',
  '{"id_token":{"acr":{"essential":true,"values":[[]]},"sub":{"values":[1,{}]}}}',
  '{"userinfo":[],"id_token":"email"}',
  '{"keys":[{"kty":"oct","k":"AAAA"}]}',
  '{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","x5c":[1]}]}',
  '["http://localhost:9999/callback","javascript:alert(1)","https://a@b/"]',
  `${'['.repeat(3000)}${']'.repeat(3000)}`,
  `{"keys":[{"kty":"RSA","n":${'['.repeat(3000)}${']'.repeat(3000)}}]}`,
  'nul',
  '',
]
const jsonValue = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...jsonOddities) },
  fc.constantFrom(...oddities).map((text) => JSON.stringify(text)),
  fc.json({ maxDepth: 3 }),
)
const at = fc.nat({ max: 20 })

/** Leaves a parameter out, repeats one, gives one another value, or adds one. */
function changeOf(names: readonly string[], value: fc.Arbitrary<string>): fc.Arbitrary<Change> {
  return fc.oneof(
    at.map((i) => (pairs: Pair[]) => pairs.toSpliced(i % (pairs.length || 1), 1)),
    at.map((i) => (pairs: Pair[]) => [
      ...pairs,
      ...pairs.slice(i % (pairs.length || 1)).slice(0, 1),
    ]),
    fc.tuple(at, value).map(([i, text]) => (pairs: Pair[]) => {
      const [name = 'x'] = pairs[i % (pairs.length || 1)] ?? []
      return pairs.toSpliced(i % (pairs.length || 1), 1, [name, text])
    }),
    fc.tuple(fc.constantFrom(...names), value).map((pair) => (pairs: Pair[]) => [...pairs, pair]),
  )
}

/** What is done to the text after it is encoded. */
const spoil = fc.oneof(
  { weight: 6, arbitrary: fc.constant((text: string) => text) },
  at.map((i) => (text: string) => `${text.slice(0, i)}%${text.slice(i)}`),
  fc
    .constantFrom('%ff', '%00', '&&&', '=', '&=', '+', ';', '\u00ff')
    .map((bad) => (text: string) => text + bad),
)

const authorizations = ['', 'Basic', 'Basic !', 'Bearer a.b.c', 'Basic Og==', 'Basic eDp5']
const headerChange: fc.Arbitrary<Record<string, string>> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  fc.record({ authorization: fc.constantFrom(...authorizations) }),
  fc.record({ cookie: fc.constantFrom('', 'claviger-session=x', 'claviger-browser=%', '=;=;') }),
  fc.record({ origin: fc.constantFrom('null', 'https://evil.example', 'x') }),
  fc.record({ host: fc.constantFrom('evil.example', '', 'a b', '[::1') }),
  fc.record({ 'content-type': fc.constantFrom('text/plain', 'application/json', formType, '') }),
  fc.record({ dpop: fc.constantFrom('', 'a.b.c', 'e30.e30.AA', 'x, y') }),
)
