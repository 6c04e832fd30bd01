/** Modules of the Basic OP plan about codes and refresh tokens (RFC 6749 §4.1.2, §6, OpenID Connect Core §12). */
import { checkIdToken, checkSecret, checkTokenResponse } from '../../support/suite-checks.ts'
import type { Run } from '../../support/suite-run.ts'
import type { Module } from '../module.ts'

async function refusesSecondUse(run: Run, secondsLater: number): Promise<void> {
  const { t, suite, redeem, userinfo } = run
  const flow = await run.flow()
  suite.provider.clock.advance(secondsLater)
  const again = await redeem(flow)
  t.hasStrict(again, { status: 400, body: { error: 'invalid_grant' } })
  t.match(again.headers.get('content-type'), /^application\/json/)
  t.equal((await userinfo(String(flow.tokens['access_token']))).status, 401)
}

export const codeModules: Module[] = [
  {
    name: 'oidcc-codereuse',
    says: 'a code that is used twice is refused',
    run: (run) => refusesSecondUse(run, 0),
  },
  {
    name: 'oidcc-codereuse-30seconds',
    says: 'a code that is used again after 30 seconds is refused, and its access token is revoked',
    run: (run) => refusesSecondUse(run, 30),
  },
  {
    name: 'oidcc-refresh-token',
    metadata: { grant_types: ['authorization_code', 'refresh_token'] },
    says: 'a refresh token gives new tokens of the same sign-in, to its own client only',
    async run(run) {
      const { t, suite } = run
      const offline = { scope: 'openid offline_access', prompt: 'consent' }
      const { tokens, idToken } = await run.flow(offline)
      checkSecret(t, tokens['refresh_token'])
      let refreshToken = String(tokens['refresh_token'])

      for (const changes of [{}, { scope: offline.scope }]) {
        suite.provider.clock.advance(5)
        const answer = await run.token({
          grant_type: 'refresh_token',
          refresh_token: refreshToken,
          ...changes,
        })
        checkTokenResponse(t, answer)
        checkSecret(t, answer.body['refresh_token'])
        t.not(answer.body['access_token'], tokens['access_token'])
        refreshToken = String(answer.body['refresh_token'])
        const refreshed = await checkIdToken(t, String(answer.body['id_token']), {
          jwks: suite.jwks,
          issuer: suite.issuer,
          clientId: String(idToken.aud),
          nonce: undefined, // §12.2
          alg: 'RS256',
          now: suite.provider.clock.now(),
        })
        for (const claim of ['iss', 'sub', 'aud', 'azp', 'auth_time'])
          t.strictSame(refreshed[claim], idToken[claim], claim)
        t.ok(Number(refreshed.iat) > Number(idToken.iat))
      }

      const ofAnother = await run.token(
        { grant_type: 'refresh_token', refresh_token: refreshToken },
        suite.clients.client2,
      )
      t.hasStrict(ofAnother, { status: 400, body: { error: 'invalid_grant' } })
    },
  },
]
