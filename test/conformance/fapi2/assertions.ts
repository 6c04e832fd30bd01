/** Modules about client assertions, at the token endpoint and where requests are pushed (FAPI 2.0 Security Profile §5.3.2.1). */
import { isRefused } from './checks.ts'
import type { Fapi2Module } from './module.ts'
import type { Fapi2Run } from './run.ts'

const only = { auth: 'private_key_jwt' } as const

const isRefusedFor =
  (changes: (run: Fapi2Run) => object, alg?: string) => async (run: Fapi2Run) => {
    const { t, client } = run
    const response = await run.authorize()
    for (const send of [
      async () => run.push({}, { assertion: await client.assertion(changes(run), alg) }),
      async () =>
        run.redeem(response, {}, { assertion: await client.assertion(changes(run), alg) }),
    ])
      isRefused(t, await send(), 'invalid_client')
    t.equal((await run.redeem(response)).status, 200, 'the code has not been used up')
  }

const ahead = (run: Fapi2Run, seconds: number) => ({
  iat: run.seconds(seconds),
  nbf: run.seconds(seconds),
  exp: run.seconds(seconds + 60),
})

export const assertionModules: Fapi2Module[] = [
  {
    name: 'ensure-signed-client-assertion-with-RS256-fails',
    only,
    says: 'an assertion by RS256 is refused, though the key would do',
    run: isRefusedFor(() => ({}), 'RS256'),
  },
  {
    name: 'ensure-client-assertion-in-token-endpoint',
    only,
    says: 'no tokens without an assertion',
    async run(run) {
      const response = await run.authorize()
      const without = { client_assertion: undefined, client_assertion_type: undefined }
      isRefused(run.t, await run.redeem(response, without), 'invalid_client')
    },
  },
  {
    name: 'ensure-client-assertion-with-exp-is-5-minutes-in-past-fails',
    only,
    says: 'an assertion that expired five minutes ago is refused',
    run: isRefusedFor((run) => ({ iat: run.seconds(-360), exp: run.seconds(-300) })),
  },
  {
    name: 'ensure-client-assertion-with-wrong-aud-fails',
    only,
    says: 'an assertion for somebody else is refused',
    run: isRefusedFor(() => ({ aud: 'https://other.example' })),
  },
  {
    name: 'ensure-client-assertion-with-no-sub-fails',
    only,
    says: 'an assertion without sub is refused',
    run: isRefusedFor(() => ({ sub: undefined })),
  },
  {
    name: 'par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted',
    only,
    says: 'a clock that is eight seconds fast is no fault',
    run: async (run) =>
      run.requestUri({}, { assertion: await run.client.assertion(ahead(run, 8)) }),
  },
  {
    name: 'par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails',
    only,
    says: 'one that is more than a minute fast is',
    run: isRefusedFor((run) => ahead(run, 65)),
  },
  {
    name: 'par-test-array-as-audience-fails',
    only,
    says: 'the audience is a text, no list',
    run: isRefusedFor(({ suite }) => ({ aud: [suite.issuer] })),
  },
  {
    name: 'par-test-par-endpoint-url-as-audience-fails',
    only,
    says: 'the audience is the issuer, not where requests are pushed',
    run: isRefusedFor(({ endpoint }) => ({ aud: endpoint('pushed_authorization_request') })),
  },
  {
    name: 'par-test-token-endpoint-url-as-audience-fails',
    only,
    says: 'nor the token endpoint',
    run: isRefusedFor(({ endpoint }) => ({ aud: endpoint('token') })),
  },
]
