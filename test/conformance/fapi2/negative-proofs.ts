/** What the resource is to make of proofs that are not quite right: dpop-negative-tests (RFC 9449 §4.3, §7). */
import { createHash, randomUUID } from 'node:crypto'
import { base64url, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createDpopKey } from '../../support/dpop.ts'
import { forge, type Proof } from '../../verifier/holder.ts'
import type { Fapi2Run } from './run.ts'

export async function negativeProofs(run: Fapi2Run): Promise<void> {
  const { accessToken: token } = await run.flow()
  const authorization = `DPoP ${token}`
  const prove = (proof: Proof = {}) => run.prove('resource', { token, ...proof })
  const statusOf = async (dpop?: string) =>
    (await run.resource(token, { authorization, ...(dpop !== undefined && { dpop }) })).status

  for (const [name, dpop] of Object.entries(await refusedProofs(run, token)))
    run.t.equal(await statusOf(dpop), 401, name)
  run.t.equal(await statusOf(), 401, 'no proof')
  for (const headers of [{}, { dpop: await prove() }]) {
    const bearer = { authorization: `Bearer ${token}`, ...headers }
    run.t.equal((await run.resource(token, bearer)).status, 401, 'Bearer instead of DPoP')
  }

  const once = await prove()
  run.t.equal(await statusOf(once), 200)
  run.t.equal(await statusOf(once), 401, 'a jti counts once')

  for (const [name, proof] of Object.entries(differences(run)))
    run.t.equal(await statusOf(await prove(proof)), 200, name)
}

async function refusedProofs(run: Fapi2Run, token: string): Promise<Record<string, string>> {
  const { suite, resourceUrl, seconds, otherKey, endpoint } = run
  const prove = (proof: Parameters<Fapi2Run['prove']>[1] = {}) =>
    run.prove('resource', { token, ...proof })
  const without = (name: string) => prove({ claims: { [name]: undefined } })
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const [publicJwk, privateJwk] = [await exportJWK(publicKey), await exportJWK(privateKey)]
  const payload = {
    jti: randomUUID(),
    htm: 'GET',
    htu: resourceUrl,
    iat: seconds(),
    ath: createHash('sha256').update(token).digest('base64url'),
  }
  const [head, body, signature] = (await prove()).split('.') as [string, string, string]
  return {
    'two DPoP headers': `${await prove()}, ${await prove()}`,
    'a malformed JWT': 'malformed',
    'two of three parts': `${head}.${body}`,
    'no typ': await prove({ header: { typ: undefined } }),
    'no alg': forge({ typ: 'dpop+jwt', jwk: publicJwk }, payload, signature),
    'no jwk': await prove({ header: { jwk: undefined } }),
    'no jti': await without('jti'),
    'no htm': await without('htm'),
    'no htu': await without('htu'),
    'no iat': await without('iat'),
    'no ath': await without('ath'),
    'another typ': await prove({ header: { typ: 'JWT' } }),
    RS256: await prove({ by: await createDpopKey(suite.provider, 'RS256') }),
    none: forge({ typ: 'dpop+jwt', alg: 'none', jwk: publicJwk }, payload),
    'a bad signature': `${head}.${body}.${base64url.encode(new Uint8Array(64).fill(7))}`,
    'a private key': await new SignJWT(payload)
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: privateJwk })
      .sign(privateKey),
    'another htm': await prove({ claims: { htm: 'PUT' } }),
    'another htu': await prove({ url: endpoint('token') }),
    'another ath': await prove({ token: 'another' }),
    'iat an hour ago': await prove({ claims: { iat: seconds(-3600) } }),
    'iat in an hour': await prove({ claims: { iat: seconds(3600) } }),
    'another key': await prove({ by: otherKey }),
  }
}

/** They mean nothing (RFC 3986 §6.2.2, §6.2.3). */
function differences({ resourceUrl }: Fapi2Run): Record<string, Proof> {
  const { origin, pathname, hostname, port } = new URL(resourceUrl)
  return {
    'a query in htu': { url: `${resourceUrl}?x=1` },
    'a fragment in htu': { url: `${resourceUrl}#x` },
    'an unknown claim': { claims: { unknown: { a: 1 } } },
    'an unknown header': { header: { unknown: 'x' } },
    'an upper-case scheme and host': {
      url: `HTTPS://${hostname.toUpperCase()}:${port}${pathname}`,
    },
    'a percent-encoded letter': { url: `${origin}${pathname.replace('u', '%75')}` },
  }
}
