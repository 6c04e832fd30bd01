/** A signed authorization response (JARM), as a client opens it. */
import { createLocalJWKSet, jwtVerify } from 'jose'
import type { Visit } from '../../support/suite-browser.ts'
import type { Fapi2Run } from './run.ts'

/** What the suite checks of it; answers the visit as if its response had not been signed. */
export async function openJarm(
  { t, suite, client, seconds }: Pick<Fapi2Run, 't' | 'suite' | 'client' | 'seconds'>,
  visit: Visit,
): Promise<Visit> {
  const url = new URL(visit.page.url)
  const response = url.searchParams.get('response') ?? ''
  const { payload, protectedHeader } = await jwtVerify(response, createLocalJWKSet(suite.jwks), {
    issuer: suite.issuer,
    audience: client.clientId,
    currentDate: suite.provider.clock.now(),
    requiredClaims: ['exp'],
  })
  t.match(protectedHeader, { alg: /^(PS256|ES256|EdDSA)$/, kid: String })
  const lifetime = Number(payload.exp) - seconds()
  t.ok(lifetime >= 10 && lifetime <= 600, 'it lives for ten minutes at most (JARM §2.1)')
  const { aud: _, exp: __, ...fields } = payload
  url.searchParams.delete('response')
  for (const [name, value] of Object.entries(fields)) url.searchParams.append(name, String(value))
  return { ...visit, page: { ...visit.page, url: url.href } }
}
