/** Modules that FAPI 2.0 Message Signing adds: request objects, pushed (RFC 9101, FAPI 2.0 Message Signing §5.3.1). */
import { UnsecuredJWT, type JWTPayload } from 'jose'
import type { Answer } from '../../support/flow.ts'
import { isRefused } from './checks.ts'
import type { Fapi2Module } from './module.ts'
import type { Fapi2Run } from './run.ts'

const only = { signed: true }

const objectOf = ({ client, request }: Fapi2Run, changes: object = {}): JWTPayload => ({
  ...client.objectClaims(),
  ...request(),
  ...changes,
})

const pushObject = (run: Fapi2Run, request: string): Promise<Answer> =>
  run.post('pushed_authorization_request', { request })

/** Undefined leaves a claim out. */
const refuses = (changesOf: (run: Fapi2Run) => object, alg?: string) => async (run: Fapi2Run) => {
  for (const changes of [changesOf(run)].flat()) {
    const answer = await pushObject(run, await run.client.sign(objectOf(run, changes), alg))
    isRefused(run.t, answer, 'invalid_request_object')
  }
}

const accepts = (changesOf: (run: Fapi2Run) => object) => async (run: Fapi2Run) => {
  const object = await run.client.sign(objectOf(run, changesOf(run)))
  const { status, body } = await pushObject(run, object)
  run.t.equal(status, 201)
  const { page } = await run.visit(String(body['request_uri']))
  run.t.match(new URL(page.url).search, run.variant.jarm ? 'response=' : 'code=')
}

const minutes = (run: Fapi2Run, count: number) => run.seconds(count * 60)

export const requestObjectModules: Fapi2Module[] = [
  {
    name: 'ensure-request-object-with-multiple-aud-succeeds',
    only,
    says: 'it may be for others as well',
    run: accepts(({ suite }) => ({ aud: [suite.issuer, 'https://other.example'] })),
  },
  {
    name: 'ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted',
    only,
    says: 'a clock that is eight seconds fast is no fault',
    run: accepts((run) => ({ nbf: run.seconds(8) })),
  },
  {
    name: 'ensure-request-object-without-exp-fails',
    only,
    says: 'one without exp is refused',
    run: refuses(() => ({ exp: undefined })),
  },
  {
    name: 'ensure-request-object-without-nbf-fails',
    only,
    says: 'one without nbf is refused',
    run: refuses(() => ({ nbf: undefined })),
  },
  {
    name: 'ensure-expired-request-object-fails',
    only,
    says: 'one that has expired is refused',
    run: refuses((run) => ({ nbf: minutes(run, -10), exp: minutes(run, -5) })),
  },
  {
    name: 'ensure-request-object-with-bad-aud-fails',
    only,
    says: 'one for somebody else is refused',
    run: refuses(() => ({ aud: 'https://other.example' })),
  },
  {
    name: 'ensure-request-object-with-exp-over-60-fails',
    only,
    says: 'one that would be good for 70 minutes is refused',
    run: refuses((run) => ({ exp: minutes(run, 70) })),
  },
  {
    name: 'ensure-request-object-with-nbf-over-60-fails',
    only,
    says: 'one of 70 minutes ago is refused, whenever it expires',
    run: refuses((run) =>
      [-10.5, 5].map((exp) => ({ nbf: minutes(run, -70), exp: minutes(run, exp) })),
    ),
  },
  {
    name: 'ensure-signed-request-object-with-RS256-fails',
    only,
    says: 'one by RS256 is refused, though the key would do',
    run: refuses(() => ({}), 'RS256'),
  },
  {
    name: 'ensure-request-object-signature-algorithm-is-not-none',
    only,
    says: 'one without a signature is refused',
    run: async (run) =>
      isRefused(
        run.t,
        await pushObject(run, new UnsecuredJWT(objectOf(run)).encode()),
        'invalid_request_object',
      ),
  },
  {
    name: 'ensure-request-object-with-invalid-signature-fails',
    only,
    says: 'one with a spoiled signature is refused',
    async run(run) {
      const [head, body, signature = ''] = (await run.client.sign(objectOf(run))).split('.')
      const spoiled = Buffer.from(signature, 'base64url').fill(1, 0, 8).toString('base64url')
      const answer = await pushObject(run, `${head}.${body}.${spoiled}`)
      isRefused(run.t, answer, 'invalid_request_object')
    },
  },
  {
    name: 'ensure-matching-key-in-authorization-request',
    only,
    says: 'one that another client has signed is refused, and one in the name of another client',
    async run(run) {
      const { client: other } = await run.second()
      const signed = await other.sign(objectOf(run))
      isRefused(run.t, await pushObject(run, signed), 'invalid_request_object')
      await refuses(() => ({ client_id: other.clientId }))(run)
    },
  },
  {
    name: 'ensure-unsigned-request-at-par-endpoint-fails',
    only,
    says: 'the parameters alone are refused',
    run: async (run) =>
      isRefused(
        run.t,
        await run.post('pushed_authorization_request', run.request()),
        'invalid_request',
      ),
  },
  {
    name: 'par-authorization-request-containing-request_uri',
    only,
    says: 'one with a reference in it is refused',
    run: refuses(() => ({ request_uri: 'urn:ietf:params:oauth:request_uri:x' })),
  },
]
