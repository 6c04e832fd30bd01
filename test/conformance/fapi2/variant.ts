/** The variants that the FAPI 2.0 plans are run in, and what a provider needs for one. */
import { startSession } from '../../support/flow.ts'
import { createSuiteBrowser } from '../../support/suite-browser.ts'
import { createSuite, type Suite, type SuiteOptions } from '../../support/suite.ts'
import type { Test } from 'tap'
import { browserFor } from '../plan/browser.ts'
import { createCredentials } from '../plan/credentials.ts'
import { idsOf, pairNamed, type PairName } from '../plan/fapi-clients.ts'
import { person } from '../plan/seed.ts'
import { createFapi2Client } from './client.ts'
import type { Fapi2Module } from './module.ts'
import { createFapi2Run, type Fapi2Run } from './run.ts'

export interface Variant {
  /** As the suite writes it. */
  name: string
  auth: 'private_key_jwt' | 'mtls'
  binding: 'dpop' | 'mtls'
  openid: boolean
  signed: boolean
  jarm: boolean
  /** It finds endpoints as `mtls_endpoint_aliases`. */
  usesCertificates: boolean
  /** Instead of userinfo. */
  resource: string | undefined
}

export interface Fapi2Suite {
  suite: Suite
  variant: Variant
  begin(t: Test, module: Fapi2Module): Promise<Fapi2Run>
}

export async function createFapi2Suite(
  t: Test,
  pair: PairName,
  {
    jarm = false,
    startResource,
    ...options
  }: SuiteOptions & {
    jarm?: boolean
    /** Answers the URL of a protected resource that is not userinfo. */
    startResource?: (suite: Suite) => Promise<string>
  } = {},
): Promise<Fapi2Suite> {
  const { credentials, authority } = await createCredentials([pair])
  const { auth: method, binding, scope, signs: signed = false } = pairNamed(pair)
  const usesCertificates = binding === 'mtls'
  const suite = await createSuite(t, {
    credentials,
    ...(usesCertificates && { authority }),
    ...options,
  })
  const { provider, issuer } = suite
  const { sub } = (await provider.services.accounts.find(person.email))!
  const auth = method === 'private_key_jwt' ? method : 'mtls'
  const openid = scope.includes('openid')
  const variant: Variant = {
    name: [auth, binding, openid ? 'openid_connect' : 'plain_oauth', ...(jarm ? ['jarm'] : [])]
      .map((one) => `[${one}]`)
      .join(''),
    auth,
    binding,
    openid,
    signed,
    jarm,
    usesCertificates,
    resource: await startResource?.(suite),
  }
  const [first, second] = idsOf(pair).map((id) =>
    createFapi2Client(suite, pair, id, credentials.get(id)!),
  )
  const { blocks, overrides } = browserFor(issuer, new URL(suite.addresses.callback).origin)

  return {
    suite,
    variant,
    async begin(t, { name, signsIn = false }) {
      const browser = createSuiteBrowser(issuer, suite.fetch, overrides[name]?.browser ?? blocks)
      if (!signsIn) {
        const { cookies } = await startSession(provider, sub)
        for (const [cookie, value] of cookies) browser.agent.cookies.set(`__Host-${cookie}`, value)
      }
      return createFapi2Run({ t, suite, variant, clients: [first!, second!], browser })
    },
  }
}
