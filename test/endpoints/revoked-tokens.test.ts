/** Every route that takes a token refuses one that was revoked, whatever it was revoked by (ARCHITECTURE §3.4). */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import t from 'tap'
import { obtainTokens, startSession, type Party } from '../support/flow.ts'
import type { Answer } from '../support/raw-http.ts'
import type { UserAgent } from '../support/user-agent.ts'
import type { RevocationKind } from '../../src/verifier/not-before.ts'
import {
  cookieHeader,
  createWorld,
  obtainServiceToken,
  serviceScope,
  sendTo,
  type Acceptance,
  type Route,
  type TokenKind,
} from './routes.ts'

const world = await createWorld(t)
const { provider, client, service, routes } = world
const { services, issuer, clock, database } = provider
const { revocations, keyring, families } = services
const act = { actor: 'ada' }
const { sub: alice } = (await services.accounts.find('alice@example.com'))!

type Held = Record<TokenKind, string>

interface Holder {
  held: Held
  browser: UserAgent
}

/** All tokens that a person and a service can get, newly issued to these clients. */
async function obtain(parties: { client: Party; service: Party }): Promise<Holder> {
  const browser = await startSession(provider, alice)
  const scope = 'openid offline_access'
  const { access_token, id_token, refresh_token } = await obtainTokens(
    provider,
    browser,
    parties.client,
    { scope },
  )
  const service_token = await obtainServiceToken(provider, parties.service)
  return { browser, held: { access_token, id_token, refresh_token, service_token } }
}

interface Presented {
  token: string
  browser: UserAgent
  held?: Held
}

/** The route's own request, as this browser sends it, with the token in that place; of any other, what is `held`. */
async function present(
  route: Route,
  { place, parameters = route.parameters }: Pick<Acceptance, 'place' | 'parameters'>,
  { token, browser, held }: Presented,
): Promise<Answer> {
  const isBearer = place === 'bearer'
  const others = Object.entries(parameters).map(([name, value]) => [
    name,
    held && value === world.tokens.access_token ? held.access_token : value,
  ])
  const all = { ...Object.fromEntries(others), ...(!isBearer && { [place]: token }) }
  return sendTo(issuer, route, {
    text: new URLSearchParams(all).toString(),
    headers: {
      ...(route.isPage && { cookie: cookieHeader(browser) }),
      ...(isBearer && { authorization: `Bearer ${token}` }),
    },
  })
}

async function presentAndCount(
  route: Route,
  acceptance: Acceptance,
  presented: Presented,
): Promise<{ answer: Answer; hasEffect: boolean }> {
  const before = await countEvents()
  const answer = await present(route, acceptance, presented)
  return { answer, hasEffect: (await countEvents()) > before }
}

async function countEvents(): Promise<number> {
  const [row] = await database.query<{ n: number }>(
    'select count(*)::integer as n from audit_events',
  )
  return row!.n
}

const places =
  'bearer access_token refresh_token token id_token_hint subject_token actor_token logout_token assertion'

t.test('every place where a route looks at a token is in the table of routes', async (t) => {
  // Signed by another key than the tokens of the table, so that it can be told whose was looked at.
  const alg = { id_token_signed_response_alg: 'ES256' }
  const { held, browser } = await obtain({
    client: await provider.createClient(alg),
    service: await provider.createClient({
      ...alg,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      scope: serviceScope,
    }),
  })
  const looks = watchLooks()
  const found = new Set<string>()
  for (const route of routes)
    for (const place of places.split(' '))
      for (const token of Object.values(held))
        for (const parameters of parametersOf(route)) {
          looks.clear()
          await present(route, { place, parameters }, { token, browser })
          if (looks.include(token)) found.add(`${route.name}, ${place}`)
        }
  looks.stop()
  const listed = routes.flatMap(({ name, accepts = [] }) =>
    accepts.map(({ place }) => `${name}, ${place}`),
  )
  t.strictSame([...found].toSorted(), [...new Set(listed)].toSorted())
})

/** What its requests have beside the token, each once: there are thousands of requests in this test. */
function parametersOf({ parameters, accepts = [] }: Route): Record<string, string>[] {
  const others = accepts.flatMap(({ parameters: own }) => (own ? [own] : []))
  const all = [parameters, withoutTokens(parameters), ...others]
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()]
}

/** A route may look at a token only when it has no other. */
function withoutTokens(parameters: Record<string, string>): Record<string, string> {
  const tokens: unknown[] = Object.values({ ...world.tokens })
  return Object.fromEntries(
    Object.entries(parameters).filter(([, value]) => !tokens.includes(value)),
  )
}

/** Which keys and refresh tokens the server's rooms are asked for. */
function watchLooks() {
  const seen = new Set<string>()
  const { find: findKey } = keyring
  const originals = { ...families }
  keyring.find = (kid) => {
    seen.add(kid)
    return findKey(kid)
  }
  families.rotate = (token, request) => {
    seen.add(token)
    return originals.rotate(token, request)
  }
  for (const name of ['find', 'findOpen', 'findLive'] as const)
    families[name] = (token) => {
      seen.add(token)
      return originals[name](token)
    }
  return {
    include: (token: string) => seen.has(kidOf(token) ?? token),
    clear: () => seen.clear(),
    stop() {
      keyring.find = findKey
      Object.assign(families, originals)
    },
  }
}

function kidOf(token: string): string | undefined {
  return token.includes('.') ? decodeProtectedHeader(token).kid : undefined
}

const acceptances = routes.flatMap((route) =>
  (route.accepts ?? []).flatMap((acceptance) =>
    acceptance.kinds.map((kind) => ({
      route,
      acceptance,
      kind,
      name: `${route.name}, ${acceptance.place}: ${kind}`,
    })),
  ),
)

t.test('a token that counts is accepted there, and one of another kind is not', async (t) => {
  for (const { route, acceptance, kind, name } of acceptances) {
    const { held, browser } = await obtain(world)
    for (const other of Object.keys(held) as TokenKind[]) {
      if (acceptance.kinds.includes(other)) continue
      const { answer, hasEffect } = await presentAndCount(route, acceptance, {
        token: held[other],
        browser,
        held,
      })
      t.notOk(acceptance.isAccepted(answer, hasEffect), `${name}, a ${other} instead`)
    }
    const { answer, hasEffect } = await presentAndCount(route, acceptance, {
      token: held[kind],
      browser,
      held,
    })
    t.ok(acceptance.isAccepted(answer, hasEffect), `${name}: ${answer.status}`)
  }
})

/** What refuses which tokens. */
const concerned: Record<RevocationKind, TokenKind[]> = {
  user: ['access_token', 'refresh_token', 'id_token'],
  session: ['access_token', 'refresh_token', 'id_token'],
  client: ['access_token', 'refresh_token', 'id_token', 'service_token'],
  grant: ['access_token', 'refresh_token'],
  token: ['access_token', 'service_token'],
  everything: ['access_token', 'refresh_token', 'id_token', 'service_token'],
  key: ['access_token', 'id_token', 'service_token'],
}

async function revoke(kind: RevocationKind, held: Held): Promise<void> {
  const {
    sub = '',
    sid,
    grant_id,
    jti = '',
  } = decodeJwt<{ sid: string; grant_id: string }>(held.access_token)
  const acts: Record<RevocationKind, () => Promise<unknown>> = {
    user: () => revocations.revokeUser(sub, act),
    session: () => revocations.revokeSession({ sid }, { ...act, refreshTokens: true }),
    async client() {
      for (const { clientId } of [client, service]) await revocations.revokeClient(clientId, act)
    },
    grant: () => revocations.revokeGrant(grant_id, act),
    async token() {
      for (const id of [jti, decodeJwt(held.service_token).jti ?? ''])
        await revocations.revokeToken(id, act)
    },
    everything: () => revocations.revokeEverything(act),
    async key() {
      for (const kid of new Set([held.access_token, held.id_token].map(kidOf)))
        await services.revokeKey(String(kid), act)
      await keyring.load()
    },
  }
  await acts[kind]()
  await services.revocationFeed.load()
}

for (const kind of Object.keys(concerned) as RevocationKind[])
  t.test(`after the revocation of its ${kind} a token is refused everywhere`, async (t) => {
    const { held } = await obtain(world)
    await revoke(kind, held)
    clock.advance(2)
    // So that it is for the token that a request is refused, and not for the session or for another token.
    const { browser, held: fresh } = await obtain(world)
    for (const { route, acceptance, kind: tokenKind, name } of acceptances) {
      if (!concerned[kind].includes(tokenKind)) continue
      const { answer, hasEffect } = await presentAndCount(route, acceptance, {
        token: held[tokenKind],
        browser,
        held: fresh,
      })
      t.notOk(acceptance.isAccepted(answer, hasEffect), `${name}: ${answer.status}`)
      t.ok(answer.status < 500, name)
      t.notOk(hasEffect, `${name} ends nothing`)
    }
  })
