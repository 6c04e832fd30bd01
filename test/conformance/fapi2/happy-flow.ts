/** The module that goes all the way, with both clients, and to the resource (FAPI 2.0 Security Profile §5.3.2 to §5.3.4). */
import { checkSecret, unaskedClaims } from '../../support/suite-checks.ts'
import type { Fapi2Module } from './module.ts'
import type { Fapi2Run } from './run.ts'

export const happyFlowModule: Fapi2Module = {
  name: 'happy-flow',
  says: 'two clients get tokens that nobody else can use',
  signsIn: true,
  async run(run) {
    const { t, suite } = run
    const flow = await run.flow({ state: 's'.repeat(128) })
    if (flow.idToken) t.strictSame(unaskedClaims(flow.idToken), [])
    await refusesTokenInQuery(run, flow.accessToken)
    await toleratesHeaders(run, flow.accessToken)

    const second = await run.second()
    const pushed = {
      redirect_uri: `${suite.addresses.callback}?dummy1=lorem&dummy2=ipsum`,
      ...(run.variant.openid && { nonce: 'n'.repeat(43) }),
      ...(run.variant.binding === 'dpop' && { dpop_jkt: second.key.jkt }),
    }
    const { tokens } = await second.flow(pushed)
    checkSecret(t, tokens['refresh_token'])
    await refusesOthers(run, second, flow.accessToken)
  },
}

async function refusesTokenInQuery(run: Fapi2Run, token: string): Promise<void> {
  const { t, client, resourceUrl } = run
  const { authorization: _, ...headers } = await run.authorization(token)
  const { status } = await client.fetch(`${resourceUrl}?access_token=${token}`, { headers })
  t.ok([400, 401].includes(status), 'a token in the query is none')
}

/** The other client has its own key and certificate. */
async function refusesOthers(run: Fapi2Run, second: Fapi2Run, token: string): Promise<void> {
  const { t, variant } = run
  const headers = {
    authorization: `${variant.binding === 'dpop' ? 'DPoP' : 'Bearer'} ${token}`,
    ...(variant.binding === 'dpop' && {
      dpop: await run.prove('resource', { token, by: second.key }),
    }),
  }
  t.equal((await run.resource(token, headers, { as: second.client })).status, 401)
}

async function toleratesHeaders(run: Fapi2Run, token: string): Promise<void> {
  const interaction = '6f1c0a0e-6f43-4a3e-8c37-5a3f2d7d4d0f'
  for (const accept of ['application/json; charset=utf-8', 'application/json, */*; q=0.1', '*/*']) {
    const { status, headers } = await run.resource(token, {
      ...(await run.authorization(token)),
      accept,
      'x-fapi-interaction-id': interaction,
      'x-fapi-customer-ip-address': '2001:db8::1893:25c8:1946',
    })
    run.t.equal(status, 200, accept)
    run.t.ok([null, interaction].includes(headers.get('x-fapi-interaction-id')))
  }
}
