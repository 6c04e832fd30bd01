/** jwks-rsa, unmodified, with jsonwebtoken, as many an API has them. */
import jwt, { type GetPublicKeyOrSecret } from 'jsonwebtoken'
import jwksRsa from 'jwks-rsa'
import t from 'tap'
import { post } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'

t.test('jsonwebtoken verifies our access tokens by the keys that jwks-rsa finds', async (t) => {
  const provider = await createTestProvider(t)
  const client = await provider.createClient({ grant_types: ['client_credentials'] })
  const keys = jwksRsa({ jwksUri: `${provider.issuer}/.well-known/jwks.json` })
  const getKey: GetPublicKeyOrSecret = ({ kid }, done) =>
    void keys.getSigningKey(kid).then(
      (key) => done(null, key.getPublicKey()),
      (error: Error) => done(error),
    )
  const verify = (token: string) =>
    new Promise((resolve, reject) =>
      jwt.verify(
        token,
        getKey,
        { issuer: provider.issuer, audience: provider.issuer, algorithms: ['RS256', 'ES256'] },
        (error, payload) => (error ? reject(error) : resolve(payload)),
      ),
    )

  const { body } = await post(provider, '/token', client, { grant_type: 'client_credentials' })
  const token = String(body['access_token'])
  t.match(await verify(token), { sub: client.clientId, client_id: client.clientId })

  const [header, payload, signature = ''] = token.split('.')
  const forged = [header, payload, signature.split('').toReversed().join('')].join('.')
  await t.rejects(verify(forged), { name: 'JsonWebTokenError' })

  const known = (await keys.getSigningKeys()).map(({ alg }) => alg)
  t.strictSame(new Set(known), new Set(['RS256', 'ES256']))
})
