/** Near-valid DPoP proofs (RFC 9449 §4.3): never a token, never a fault of ours. */
import * as fc from 'fast-check'
import t from 'tap'
import { createDpopKey } from '../support/dpop.ts'
import { post } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'

const provider = await createTestProvider(t)
const { issuer } = provider
const key = await createDpopKey(provider)
const service = await provider.createClient({
  grant_types: ['client_credentials'],
  redirect_uris: [],
})

async function isRefused(dpop: string): Promise<void> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: [
      ['authorization', `Basic ${btoa(`${service.clientId}:${service.secret}`)}`],
      ['dpop', dpop],
    ],
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  const { error } = (await response.json()) as { error?: string }
  if (response.status !== 400 || error !== 'invalid_dpop_proof')
    throw new Error(`${response.status} ${error} for ${dpop}`)
}

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')

t.test('a proof that is nearly one never gets a token, and never a fault of ours', async (t) => {
  const claims = ['jti', 'htm', 'htu', 'iat'] as const
  const header = ['typ', 'alg', 'jwk'] as const
  const wrong = fc.oneof(
    fc.constantFrom(null, '', 0, -1, true, [], {}, 'GET', 'at+jwt', 'none', 'HS256', 'ES256 '),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.object({ maxDepth: 1, maxKeys: 3 }),
  )
  const good = (await key.prove('POST /token')).split('.')
  const decoded = good
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  const changed = fc
    .record({ name: fc.constantFrom(...claims, ...header), value: wrong })
    .map(({ name, value }) => {
      const [head, body] = decoded as [object, object]
      const inHead = header.some((one) => one === name)
      return [
        encode(inHead ? { ...head, [name]: value } : head),
        encode(inHead ? body : { ...body, [name]: value }),
        good[2],
      ].join('.')
    })
  const signed = fc.record({ name: fc.constantFrom(...claims), value: wrong })
  const broken = fc
    .record({
      at: fc.nat(good.join('.').length - 1),
      by: fc.constantFrom('', '.', ',', '=', '~', 'é'),
    })
    .map(({ at, by }) => {
      const text = good.join('.')
      return text.slice(0, at) + by + text.slice(at + 1)
    })
    .filter((proof) => proof !== good.join('.')) // a dot for a dot

  await fc.assert(fc.asyncProperty(fc.oneof(changed, broken), isRefused), { numRuns: 150 })
  await fc.assert(
    fc.asyncProperty(signed, async ({ name, value }) => {
      if (name === 'jti' && typeof value === 'string' && value !== '') return // as good as any
      await isRefused(await key.prove('POST /token', { claims: { [name]: value } }))
    }),
    { numRuns: 100 },
  )
  const form = { grant_type: 'client_credentials' }
  const answer = await post(provider, '/token', service, form, { dpop: good.join('.') })
  t.equal(answer.status, 200, 'as the one that they were made of does')
})
