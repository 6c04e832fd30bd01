/** Modules about the token endpoint: who may redeem a code or a refresh token (FAPI 2.0 Security Profile §5.3.2.1, §5.3.2.2). */
import type { Answer } from '../../support/flow.ts'
import { isRefused } from './checks.ts'
import type { Fapi2Module } from './module.ts'
import type { Fapi2Run } from './run.ts'

/** Of a client that proves neither key nor certificate. */
async function withoutProof(run: Fapi2Run, send: (how: object) => Promise<Answer>): Promise<void> {
  const { t, client, variant, suite } = run
  if (variant.binding === 'dpop')
    return isRefused(t, await send({ dpop: undefined }), 'invalid_dpop_proof')
  const as = { ...client, fetch: suite.fetch }
  isRefused(t, await send({ as }), variant.auth === 'mtls' ? 'invalid_client' : 'invalid_request')
}

/** A resource that follows the feed hears of it a little later. */
async function isRevoked(run: Fapi2Run, token: string): Promise<void> {
  let status: number
  do ({ status } = await run.resource(token))
  while (status !== 401)
}

export const tokenModules: Fapi2Module[] = [
  {
    name: 'ensure-client-id-in-token-endpoint',
    says: 'the name of another client beside the proof of this one is refused',
    async run(run) {
      const response = await run.authorize()
      const { client } = await run.second()
      const answer = await run.redeem(response, { client_id: client.clientId })
      isRefused(run.t, answer, 'invalid_client')
    },
  },
  {
    name: 'ensure-holder-of-key-required',
    says: 'no tokens that are bound to nothing',
    async run(run) {
      const response = await run.authorize()
      await withoutProof(run, (how) => run.redeem(response, {}, how))
    },
  },
  {
    name: 'ensure-authorization-code-is-bound-to-client',
    says: 'a code is of no use to another client',
    async run(run) {
      const response = await run.authorize()
      const second = await run.second()
      isRefused(run.t, await second.redeem(response), 'invalid_grant')
    },
  },
  {
    name: 'attempt-reuse-authorization-code-after-one-second',
    says: 'a code that is used twice is refused, and its access token is revoked',
    waits: true,
    async run(run) {
      const flow = await run.flow()
      run.suite.provider.clock.advance(1)
      isRefused(run.t, await run.redeem(flow), 'invalid_grant')
      await isRevoked(run, flow.accessToken)
    },
  },
  {
    name: 'ensure-token-endpoint-fails-with-expired-auth-code',
    says: 'a code is of no use after a minute',
    waits: true,
    async run(run) {
      const response = await run.authorize()
      run.suite.provider.clock.advance(60)
      isRefused(run.t, await run.redeem(response), 'invalid_grant')
    },
  },
  {
    name: 'ensure-pkce-code-verifier-required',
    says: 'a code without its verifier is refused',
    async run(run) {
      const response = await run.authorize()
      isRefused(run.t, await run.redeem(response, { code_verifier: undefined }), 'invalid_grant')
    },
  },
  {
    name: 'incorrect-pkce-code-verifier-rejected',
    says: 'so is one with another verifier',
    async run(run) {
      const response = await run.authorize()
      const changes = { code_verifier: 'another-verifier-'.repeat(3) }
      isRefused(run.t, await run.redeem(response, changes), 'invalid_grant')
    },
  },
  {
    name: 'refresh-token',
    says: 'a refresh token is good for its client with any key of it, again when the answer was lost',
    async run(run) {
      const { t, variant, otherKey } = run
      const consent = { prompt: 'consent' }
      const { tokens } = await run.flow(variant.openid ? consent : {})
      const by = async () =>
        variant.binding === 'dpop' ? { dpop: await run.prove('token', { by: otherKey }) } : {}
      const grant = {
        grant_type: 'refresh_token',
        refresh_token: String(tokens['refresh_token']),
        scope: run.client.scope,
      }
      for (const attempt of ['first', 'again']) {
        const { status, headers, body } = await run.token(grant, await by())
        t.equal(status, 200, attempt)
        t.equal(headers.get('cache-control'), 'no-store')
        t.match(body, { token_type: variant.binding === 'dpop' ? 'DPoP' : 'Bearer' })
        t.equal('id_token' in body, variant.openid)
        t.not(body['access_token'], tokens['access_token'])
      }

      const unknown = { client_id: undefined, client_assertion: undefined }
      const nobody = { ...grant, ...unknown, client_assertion_type: undefined }
      isRefused(t, await run.token(nobody), 'invalid_client')
      await withoutProof(run, (how) => run.refresh(grant.refresh_token, how))
      const second = await run.second()
      isRefused(t, await second.refresh(grant.refresh_token), 'invalid_grant')
    },
  },
]
