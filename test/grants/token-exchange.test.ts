/** The token exchange grant (RFC 8693) with keys and policies of every kind: what it issues is never wider than what it got. */
import * as fc from 'fast-check'
import { decodeJwt } from 'jose'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import type { ExchangePolicy } from '../../src/clients/exchange-policy.ts'
import type { Confirmation } from '../../src/protocol/confirmation.ts'
import { OAuthError } from '../../src/protocol/errors.ts'
import { parseParams } from '../../src/protocol/params.ts'
import { encode, type Fields } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { accessTokenType, exchangeGrant } from '../support/token-exchange.ts'
import { createTestWitness } from '../support/witness.ts'

const apis = ['https://a.example', 'https://b.example', 'https://c.example'] as const
const clientIds = ['client-a', 'client-b']
const scopes = ['openid', 'offline_access', 'read', 'write', 'admin']

const provider = await createTestProvider(t)
const { services, clock, issuer } = provider
const { sub } = await provider.createUser()
for (const [index, resource] of apis.entries())
  await services.resources.create({
    resource,
    name: resource,
    access_token_ttl_seconds: 100 * (index + 1),
    ...(index === 2 && { scopes: ['read'] }),
  })
const client = await provider.createClient({
  client_id: 'client-x',
  redirect_uris: [],
  grant_types: [exchangeGrant],
  token_exchange: { audiences: [apis[0]], delegation: 'none' },
})
const grantType = services.grantTypes.find(({ name }) => name === exchangeGrant)!

interface Attempt {
  policy: ExchangePolicy
  clientScope: string[]
  subject: Presented
  actor: Presented | undefined
  asked: { scope: string[] | undefined; resources: string[]; audiences: string[] }
  confirmation: Confirmation | undefined
}

interface Presented {
  clientId: string
  audience: string[]
  scope: string[]
  ageSeconds: number
  lifeSeconds: number
  confirmation: Confirmation | undefined
  act: object | undefined
}

function sign(token: Presented): Promise<string> {
  const iat = Math.floor(clock.now().getTime() / 1000) - token.ageSeconds
  return services.keyring.sign('ES256', 'at+jwt', {
    iss: issuer,
    sub,
    aud: token.audience,
    iat,
    exp: iat + token.lifeSeconds,
    jti: 'the jti',
    client_id: token.clientId,
    scope: token.scope.join(' '),
    sid: 'the sid',
    grant_id: 'the grant',
    auth_time: iat,
    amr: ['pwd'],
    ...(token.confirmation && { cnf: token.confirmation }),
    ...(token.act && { act: token.act }),
  })
}

async function attempt({ policy, clientScope, subject, actor, asked, confirmation }: Attempt) {
  const fields: Fields = {
    subject_token: await sign(subject),
    subject_token_type: accessTokenType,
    ...(actor && { actor_token: await sign(actor), actor_token_type: accessTokenType }),
    scope: asked.scope?.join(' '),
    resource: asked.resources,
    audience: asked.audiences,
  }
  const { metadata } = client
  return grantType.exchange({
    client: {
      ...client,
      metadata: { ...metadata, scope: clientScope.join(' '), token_exchange: policy },
    },
    params: parseParams(encode(fields).toString()),
    confirmation,
    witness: createTestWitness().witness,
  })
}

const part = <Value>(...values: Value[]) => fc.subarray(values)
const arbitraryConfirmation = fc.constantFrom(
  undefined,
  undefined,
  { jkt: 'key 1' },
  { jkt: 'key 2' },
  { 'x5t#S256': 'key 1' },
)
const arbitraryPresented = fc.record<Presented>({
  clientId: fc.constantFrom(...clientIds, client.clientId),
  audience: fc.subarray([...apis], { minLength: 1 }),
  scope: part(...scopes),
  ageSeconds: fc.nat(50),
  lifeSeconds: fc.constantFrom(40, 60, 150, 600), // some are expired
  confirmation: arbitraryConfirmation,
  act: fc.constantFrom(undefined, undefined, { sub: 'somebody' }),
})
const arbitraryAttempt = fc.record<Attempt>({
  policy: fc.record({
    audiences: fc.subarray([...apis], { minLength: 1 }),
    delegation: fc.constantFrom('none', 'allowed', 'required'),
    subject_clients: part(...clientIds),
    subject_resources: part(...apis),
  }),
  clientScope: part(...scopes),
  subject: arbitraryPresented,
  actor: fc.option(arbitraryPresented, { nil: undefined }),
  asked: fc.record({
    scope: fc.option(fc.subarray(scopes, { minLength: 1, maxLength: 2 }), { nil: undefined }),
    resources: fc.subarray([...apis], { maxLength: 2 }),
    audiences: fc.subarray([...apis], { maxLength: 1 }),
  }),
  confirmation: arbitraryConfirmation,
})

const without = (names: string[], ...others: string[]) =>
  names.filter((name) => !others.includes(name))
const isWithin = (names: string[], allowed: string[]) =>
  names.every((name) => allowed.includes(name))

/** What is wider in the new token than the subject, the actor, the policy and the request allow. */
function findExcesses(
  { policy, clientScope, subject, actor, asked, confirmation }: Attempt,
  token: string,
): string[] {
  const claims = decodeJwt<Record<string, unknown>>(token)
  const now = Math.floor(clock.now().getTime() / 1000)
  const scope = (claims['scope'] as string | undefined)?.split(' ') ?? []
  const audience = [claims.aud ?? []].flat()
  const isServed = (one: Presented) =>
    !isWithin(one.audience, without([...apis], ...(policy.subject_resources ?? [])))
  const isMeant = (one: Presented) =>
    isServed(one) || [client.clientId, ...(policy.subject_clients ?? [])].includes(one.clientId)
  const isProven = (one: Presented) =>
    !one.confirmation ||
    (isServed(one) ? !!confirmation : isDeepStrictEqual(one.confirmation, confirmation))
  const ends = [subject, ...(actor ? [actor] : [])].map(
    (one) => now - one.ageSeconds + one.lifeSeconds,
  )
  const checks: Record<string, boolean> = {
    scope: isWithin(scope, without(subject.scope, 'openid', 'offline_access')),
    "the client's scope": isWithin(scope, clientScope),
    'the scope asked for': !asked.scope || isWithin(scope, asked.scope),
    'the audience': audience.length > 0 && isWithin(audience, policy.audiences),
    'the audience asked for':
      audience.length === 1 && asked.resources.length + asked.audiences.length === 0
        ? policy.audiences.length === 1
        : isWithin(audience, [...asked.resources, ...asked.audiences]),
    exp: Number(claims.exp) <= Math.min(...ends) && Number(claims.exp) > now,
    subject:
      claims.sub === sub && claims['grant_id'] === 'the grant' && claims['sid'] === 'the sid',
    'whose it is': isMeant(subject) && (!actor || isMeant(actor)),
    'its key': isProven(subject) && (!actor || isProven(actor)),
    bound: isDeepStrictEqual(claims['cnf'], confirmation),
    delegation: policy.delegation !== (actor ? 'none' : 'required'),
    act: isDeepStrictEqual(
      claims['act'],
      actor
        ? { sub, client_id: actor.clientId, ...(subject.act && { act: subject.act }) }
        : subject.act,
    ),
  }
  return Object.keys(checks).filter((name) => !checks[name])
}

const fromApp: Presented = {
  clientId: 'client-a',
  audience: [apis[1]],
  scope: ['openid', 'read', 'write'],
  ageSeconds: 0,
  lifeSeconds: 600,
  confirmation: undefined,
  act: undefined,
}
const plain: Attempt = {
  policy: { audiences: [apis[0]], delegation: 'allowed', subject_clients: ['client-a'] },
  clientScope: ['read'],
  subject: fromApp,
  actor: undefined,
  asked: { scope: undefined, resources: [], audiences: [] },
  confirmation: undefined,
}

const refusals = new Set(['invalid_request', 'invalid_scope', 'invalid_target'])

t.test('whatever is asked for, the new token is never wider than policy and subject', async (t) => {
  let issued = 0
  await fc.assert(
    fc.asyncProperty(arbitraryAttempt, async (one) => {
      const outcome = await attempt(one).catch((error: unknown) => error)
      if (outcome instanceof OAuthError) return refusals.has(outcome.code)
      if (outcome instanceof Error) throw outcome
      issued += 1
      const { access_token: token, ...rest } = outcome as Awaited<ReturnType<typeof attempt>>
      const excesses = findExcesses(one, token)
      if (excesses.length > 0) throw new Error(`wider: ${excesses.join()}`)
      return !('refresh_token' in rest) && !('id_token' in rest)
    }),
    { numRuns: 1000, examples: [[plain]] },
  )
  t.ok(issued > 0, `${issued} of 1000 got a token`)
})

t.test(
  'a token bound to a key is exchanged with proof of it, or by the API it is for',
  async (t) => {
    const [one, other] = [{ jkt: 'one' }, { jkt: 'other' }]
    const asApi = { ...plain.policy, subject_clients: [], subject_resources: [apis[1]] }
    const cases: [policy: ExchangePolicy, proven: Confirmation | undefined, isAllowed: boolean][] =
      [
        [plain.policy, one, true],
        [plain.policy, other, false],
        [plain.policy, { 'x5t#S256': 'one' }, false],
        [plain.policy, undefined, false],
        [asApi, other, true],
        [asApi, undefined, false], // or what was bound would be so no more
      ]
    for (const [policy, confirmation, isAllowed] of cases) {
      const subject = { ...fromApp, confirmation: one }
      for (const parties of [{ subject }, { subject: fromApp, actor: subject }]) {
        const outcome = attempt({ ...plain, policy, ...parties, confirmation })
        if (!isAllowed) await t.rejects(outcome, { code: 'invalid_request', description: /bound/ })
        else {
          const { access_token: token, token_type: type } = await outcome
          t.strictSame(decodeJwt(token)['cnf'], confirmation)
          t.equal(type, 'DPoP')
        }
      }
    }
  },
)

t.test('a token from a node whose clock is ahead is not exchanged for an older one', async (t) => {
  const { access_token: token } = await attempt({
    ...plain,
    subject: { ...fromApp, ageSeconds: -1 },
  })
  t.equal(decodeJwt(token).iat, Math.floor(clock.now().getTime() / 1000) + 1)
})
