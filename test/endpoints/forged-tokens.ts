/** Every way to break a JWT of this issuer that is known to have fooled somebody (RFC 8725), made from a good one. */
import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import type { TestProvider } from '../support/provider.ts'

type Json = Record<string, unknown>

interface Parts {
  header: Json
  payload: Json
}

const attacker = generateKeyPairSync('rsa', { modulusLength: 2048 })
const attackerJwk = attacker.publicKey.export({ format: 'jwk' })

export const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

export function parts(token: string): Parts {
  const [header = '', payload = ''] = token.split('.')
  return { header: decode(header), payload: decode(payload) }
}

function decode(part: string): Json {
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Json
}

/** Not even the shape of a JWT, by name. Those with a dot and those without take different ways. */
export const shapeless: Record<string, string> = {
  'a dot': '.',
  'two dots': '..',
  'three dots': '...',
  'two parts': 'a.b',
  'one part': 'abc',
  'four parts': 'a.b.c.d',
  'five parts, as a JWE': 'a.b.c.d.e',
  'a NUL in base64url': `${encode('\0')}.${encode('\0')}.${encode('\0')}`,
  'empty objects': `${encode({})}.${encode({})}.`,
  arrays: `${encode([])}.${encode([])}.AA`,
  nulls: `${encode(null)}.${encode(null)}.AA`,
  numbers: `${encode(1)}.${encode(1)}.AA`,
  'unfinished JSON': `${encode('{"alg":')}.${encode('{')}.AA`,
  'deep JSON': `${encode('['.repeat(3000))}.${encode('{"a":'.repeat(1000))}.AA`,
  'a huge part': `${'a'.repeat(5000)}.${'b'.repeat(5000)}.c`,
  'a long text': 'a'.repeat(9000),
}

/** Forgeries of `token`, by name; each must be worth nothing. */
export function forge(
  token: string,
  { keyring }: Pick<TestProvider['services'], 'keyring'>,
): Record<string, string> {
  const { header, payload } = parts(token)
  const [head = '', body = '', signature = ''] = token.split('.')
  const publicKey = keyring.find(String(header['kid']))?.publicKey
  if (!publicKey) throw new Error('The token is not one of ours')

  const unsigned = (change: Json) => `${encode({ ...header, ...change })}.${body}`
  const byAttacker = (change: Json) => signedByAttacker(unsigned(change))
  const byHmac = (change: Json, secret: string | Buffer) => {
    const input = unsigned(change)
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
  }
  const pem = publicKey.export({ type: 'spki', format: 'pem' })
  const der = publicKey.export({ type: 'spki', format: 'der' })
  const jwk = JSON.stringify(publicKey.export({ format: 'jwk' }))
  const evil = 'https://evil.example/keys'

  return {
    'alg none, no signature': `${unsigned({ alg: 'none' })}.`,
    'alg none, the old signature': `${unsigned({ alg: 'none' })}.${signature}`,
    'alg NONE': `${unsigned({ alg: 'NONE' })}.AA`,
    'alg missing': `${unsigned({ alg: undefined })}.${signature}`,
    'alg an object': `${unsigned({ alg: { name: 'RS256' } })}.${signature}`,
    'alg of another family': byAttacker({ alg: 'ES256' }),
    'HS256 with the public key, PEM': byHmac({ alg: 'HS256' }, pem),
    'HS256 with the public key, DER': byHmac({ alg: 'HS256' }, der),
    'HS256 with the public key, JWK': byHmac({ alg: 'HS256' }, jwk),
    'HS256 with nothing': byHmac({ alg: 'HS256' }, ''),
    'the key of another': byAttacker({}),
    'jwk in the header': byAttacker({ jwk: attackerJwk }),
    'jwk instead of kid': byAttacker({ jwk: attackerJwk, kid: undefined }),
    'jku in the header': byAttacker({ jku: evil }),
    'x5u in the header': byAttacker({ x5u: evil }),
    'x5c in the header': byAttacker({ x5c: ['MIIB'] }),
    'an unknown crit': byAttacker({ crit: ['exp'] }),
    'crit and b64': byAttacker({ crit: ['b64'], b64: false }),
    'zip in the header': `${unsigned({ zip: 'DEF' })}.${signature}`,
    'kid of no key': byAttacker({ kid: 'unknown' }),
    'kid missing': `${unsigned({ kid: undefined })}.${signature}`,
    'kid a path': byAttacker({ kid: '../../../dev/null' }),
    'kid SQL': byAttacker({ kid: `' or '1'='1` }),
    'kid a number': byAttacker({ kid: 0 }),
    'kid __proto__': byAttacker({ kid: '__proto__' }),
    'kid with a NUL': byAttacker({ kid: 'a\0b' }),
    'typ missing': `${unsigned({ typ: undefined })}.${signature}`,
    'typ of another token': `${unsigned({ typ: 'logout+jwt' })}.${signature}`,
    'other claims': `${head}.${encode({ ...payload, sub: 'somebody else' })}.${signature}`,
    'later expiry': `${head}.${encode({ ...payload, exp: 9_999_999_999 })}.${signature}`,
    'no signature': `${head}.${body}.`,
    'half a signature': `${head}.${body}.${signature.slice(0, signature.length / 2)}`,
    'a signature of zeros': `${head}.${body}.${'A'.repeat(signature.length)}`,
    'a signature respelled': `${head}.${body}.${respell(signature)}`,
    'a signature padded': `${token}==`,
    'a header respelled': `${respell(head)}.${body}.${signature}`,
    'a payload respelled': `${head}.${respell(body)}.${signature}`,
    'a payload padded': `${head}.${body}=.${signature}`,
    'a fourth part': `${token}.${signature}`,
    'the payload twice': `${head}.${body}${body}.${signature}`,
  }
}

/** Signed with the right key, and nevertheless not to be accepted. */
export async function misissue(
  token: string,
  { keyring }: Pick<TestProvider['services'], 'keyring'>,
): Promise<Record<string, string>> {
  const { header, payload } = parts(token)
  const [alg, typ] = [header['alg'] as 'RS256', String(header['typ'])]
  const signed = (change: Json, type = typ) => keyring.sign(alg, type, { ...payload, ...change })
  return {
    'wrong iss': await signed({ iss: 'https://other.example' }),
    'iss with a slash': await signed({ iss: `${String(payload['iss'])}/` }),
    'iss missing': await signed({ iss: undefined }),
    'exp a text': await signed({ exp: '9999999999' }),
    'exp missing': await signed({ exp: undefined }),
    'typ of another token': await signed({}, 'logout+jwt'),
    'an enormous claim': await signed({ filler: 'x'.repeat(9000) }),
  }
}

/** The same bytes, or nearly so, in other letters: decoders that pass over spare bits accept them. */
function respell(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(text.at(-1) ?? 'A')
  return text.slice(0, -1) + (alphabet[last ^ 1] ?? 'A')
}

function signedByAttacker(input: string): string {
  return `${input}.${sign('sha256', Buffer.from(input), attacker.privateKey).toString('base64url')}`
}
