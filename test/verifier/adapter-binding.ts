/** What every adapter must do with tokens that are bound to a key (RFC 9449) or a certificate (RFC 8705). */
import { createHash, X509Certificate } from 'node:crypto'
import { request as httpsRequest } from 'node:https'
import type { Test } from 'tap'
import { send } from '../support/raw-http.ts'
import { createSelfSigned, type SelfSigned } from '../support/self-signed.ts'
import { bearer, getOrders, type ServeApi } from './adapter.ts'
import { audience as resource, createHolder, createTestTokens } from './holder.ts'

const readHeader = ({ headers }: { headers: Record<string, unknown> }) =>
  headers['x-client-certificate'] as string | undefined

export async function testBinding(t: Test, serve: ServeApi): Promise<void> {
  const tokens = await createTestTokens(t)
  const verifier = tokens.createVerifier()

  t.test(
    'a DPoP proof is for the public URL, whatever the headers say (RFC 9449 §4.3)',
    async (t) => {
      const url = await serve(t, verifier, { baseUrl: 'https://api.example.com' })
      const { jkt, prove } = await createHolder()
      const bound = await tokens.issue({ cnf: { jkt } })
      const ask = async (proof: string, more: Record<string, string> = {}) =>
        getOrders(url, { authorization: `DPoP ${bound}`, dpop: proof, ...more })

      const proof = await prove({ token: bound })
      t.equal((await ask(proof)).status, 200)
      const again = await ask(proof)
      t.equal(again.status, 401)
      t.match(
        again.headers.get('www-authenticate'),
        /^Bearer scope="orders:read", DPoP scope="orders:read", error="invalid_dpop_proof", error_description="[^"]+", algs="/,
      )
      t.hasStrict(await again.json(), { code: 'proof_replayed' })

      const inner = await prove({ token: bound, url: `${url}/v1/orders` })
      t.hasStrict(await (await ask(inner)).json(), { code: 'proof_invalid' })
      const forwarded = {
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'https',
        forwarded: 'host=evil.example;proto=https',
      }
      const evil = await prove({ token: bound, url: 'https://evil.example/v1/orders' })
      t.hasStrict(await (await ask(evil, forwarded)).json(), { code: 'proof_invalid' })
      const direct = await send(url, {
        path: '/v1/orders',
        headers: {
          host: 'evil.example',
          authorization: `DPoP ${bound}`,
          dpop: await prove({ token: bound, url: 'http://evil.example/v1/orders' }),
        },
      })
      t.match(direct.body, 'proof_invalid', 'nor the Host header')

      const two = await send(url, {
        path: '/v1/orders',
        headers: {
          authorization: `DPoP ${bound}`,
          dpop: await prove({ token: bound }),
          DPoP: await prove({ token: bound }),
        },
      })
      t.match(two.body, 'proof_invalid', 'two proofs')

      const asBearer = await getOrders(url, bearer(bound))
      t.equal(asBearer.status, 401)
      t.match(
        asBearer.headers.get('www-authenticate'),
        /^Bearer .*error="invalid_token".*, DPoP .*algs=/,
      )
    },
  )

  t.test('an API can be guarded as a whole and route by route, with one proof', async (t) => {
    const url = await serve(t, verifier, { resource })
    const { jkt, prove } = await createHolder()
    const ask = async (claims: Record<string, unknown>) => {
      const bound = await tokens.issue({ cnf: { jkt }, ...claims })
      const headers = { authorization: `DPoP ${bound}`, dpop: await prove({ token: bound }) }
      const first = await getOrders(url, headers)
      return [first.status, (await getOrders(url, headers)).status]
    }
    t.strictSame(await ask({}), [200, 401], 'the proof counts for one request')
    t.strictSame(await ask({ scope: 'openid' }), [403, 401], 'the route needs more')
  })

  t.test('a proxy may take the start of the path away', async (t) => {
    const url = await serve(t, verifier, { baseUrl: 'https://example.com/shop/' })
    const { jkt, prove } = await createHolder()
    const bound = await tokens.issue({ cnf: { jkt } })
    const dpop = await prove({ token: bound, url: 'https://example.com/shop/v1/orders' })
    t.equal((await getOrders(url, { authorization: `DPoP ${bound}`, dpop })).status, 200)
  })

  t.test('without a public URL the scheme DPoP is not offered', async (t) => {
    const url = await serve(t, verifier, {})
    const { jkt, prove } = await createHolder()
    const bound = await tokens.issue({ cnf: { jkt } })
    const dpop = await prove({ token: bound, url: `${url}/v1/orders` })
    const response = await getOrders(url, { authorization: `DPoP ${bound}`, dpop })
    t.equal(response.status, 401)
    t.equal(response.headers.get('www-authenticate'), 'Bearer scope="orders:read"')
  })

  t.test(
    'a certificate of the connection, or told of by a proxy, is the one (RFC 8705 §3)',
    async (t) => {
      const server = createSelfSigned()
      const [client, other] = [createSelfSigned(), createSelfSigned()]
      const { fingerprint256, raw } = new X509Certificate(client.cert)
      const bound = await tokens.issue({
        cnf: { 'x5t#S256': createHash('sha256').update(raw).digest('base64url') },
      })
      const url = await serve(t, verifier, {}, server)
      const ask = (certificate: SelfSigned | undefined) =>
        new Promise<number | undefined>((resolve, reject) => {
          const options = { ca: server.cert, agent: false, ...certificate, headers: bearer(bound) }
          httpsRequest(`${url}/v1/orders`, options, (response) => {
            response.resume().on('end', () => resolve(response.statusCode))
          })
            .on('error', reject)
            .end()
        })
      t.equal(await ask(client), 200)
      t.equal(await ask(other), 401)
      t.equal(await ask(undefined), 401)

      const behind = await serve(t, verifier, { clientCertificate: readHeader })
      const header = { 'x-client-certificate': fingerprint256.toLowerCase() }
      t.equal((await getOrders(behind, { ...bearer(bound), ...header })).status, 200)
      t.equal((await getOrders(behind, bearer(bound))).status, 401)
      const deaf = await serve(t, verifier, {})
      t.equal((await getOrders(deaf, { ...bearer(bound), ...header })).status, 401)
    },
  )
}
