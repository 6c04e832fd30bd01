/** Modules about DPoP: proofs, and what they bind (RFC 9449, FAPI 2.0 Security Profile §5.3.2.1). */
import { isRefused } from './checks.ts'
import { negativeProofs } from './negative-proofs.ts'
import type { Fapi2Module } from './module.ts'
import type { Fapi2Run } from './run.ts'

const only = { binding: 'dpop' } as const

/** A proof with these claims everywhere: where the request is pushed, for tokens and at the resource. */
async function provesWith(run: Fapi2Run, claims: Record<string, unknown>): Promise<void> {
  const { t, prove, authorize, redeem } = run
  const pushed = await prove('pushed_authorization_request', { claims })
  const response = await authorize({}, { dpop: pushed })
  const { status, body } = await redeem(response, {}, { dpop: await prove('token', { claims }) })
  t.equal(status, 200, JSON.stringify(body))
  const token = String(body['access_token'])
  const dpop = await prove('resource', { token, claims })
  t.equal((await run.resource(token, { authorization: `DPoP ${token}`, dpop })).status, 200)
}

const pushProof = (run: Fapi2Run) => run.prove('pushed_authorization_request')

export const dpopModules: Fapi2Module[] = [
  {
    name: 'check-dpop-proof-nbf-exp',
    only,
    says: 'nbf and exp of a proof are heeded',
    async run(run) {
      const { t, seconds } = run
      await provesWith(run, { nbf: seconds(), exp: seconds(300) })
      const response = await run.authorize()
      for (const claims of [{ exp: seconds(-1) }, { nbf: seconds(3600) }, { exp: 'tomorrow' }]) {
        const dpop = await run.prove('token', { claims })
        isRefused(t, await run.redeem(response, {}, { dpop }), 'invalid_dpop_proof')
      }
      const { body } = await run.redeem(response)
      const token = String(body['access_token'])
      for (const claims of [{ exp: seconds(-10) }, { nbf: seconds(3600) }, { exp: 'tomorrow' }]) {
        const dpop = await run.prove('resource', { token, claims })
        const { status } = await run.resource(token, { authorization: `DPoP ${token}`, dpop })
        t.equal(status, 401, JSON.stringify(claims))
      }
    },
  },
  {
    name: 'ensure-dpopproof-with-iat-10seconds-before-succeeds',
    only,
    says: 'a clock that is ten seconds slow is no fault',
    run: (run) => provesWith(run, { iat: run.seconds(-10) }),
  },
  {
    name: 'ensure-dpopproof-with-iat-10seconds-after-succeeds',
    only,
    says: 'nor one that is ten seconds fast',
    run: (run) => provesWith(run, { iat: run.seconds(10) }),
  },
  {
    name: 'ensure-mismatched-dpop-jkt-fails',
    only,
    says: 'a request cannot be pushed with a dpop_jkt that is not of the key of its proof',
    async run(run) {
      const answer = await run.push({ dpop_jkt: run.otherKey.jkt }, { dpop: await pushProof(run) })
      isRefused(run.t, answer, 'invalid_dpop_proof')
    },
  },
  {
    name: 'ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt',
    only,
    says: 'the code of a request that came with a proof is good with that key only',
    async run(run) {
      const response = await run.authorize({}, { dpop: await pushProof(run) })
      const dpop = await run.prove('token', { by: run.otherKey })
      isRefused(run.t, await run.redeem(response, {}, { dpop }), 'invalid_grant')
    },
  },
  {
    name: 'ensure-token-endpoint-fails-with-mismatched-dpop-jkt',
    only,
    says: 'so is the code of a request with a dpop_jkt',
    async run(run) {
      const response = await run.authorize({ dpop_jkt: run.key.jkt })
      const dpop = await run.prove('token', { by: run.otherKey })
      isRefused(run.t, await run.redeem(response, {}, { dpop }), 'invalid_grant')
    },
  },
  {
    name: 'ensure-dpopproof-at-par-endpoint-binding-success',
    only,
    says: 'the same key throughout is good, with a dpop_jkt besides and without',
    async run(run) {
      for (const dpop_jkt of [undefined, run.key.jkt])
        await run.flow({ dpop_jkt }, { dpop: await pushProof(run) })
    },
  },
  {
    name: 'ensure-dpop-auth-code-binding-success',
    only,
    says: 'the key of dpop_jkt redeems the code',
    run: (run) => run.flow({ dpop_jkt: run.key.jkt }),
  },
  {
    name: 'dpop-negative-tests',
    only,
    says: 'the resource accepts good proofs of the right key only, and each once',
    run: negativeProofs,
  },
]
