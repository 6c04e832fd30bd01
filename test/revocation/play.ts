/** Plays a scenario in a world of turns, with the rooms that sign in, issue and revoke as the services build them. */
import { createTestWitness } from '../support/witness.ts'
import { decodeJwt } from 'jose'
import type { Clock } from '../../src/database/clock.ts'
import type { Database } from '../../src/database/database.ts'
import { createClientEncryption } from '../../src/clients/encryption.ts'
import { createGrantTypes } from '../../src/grants/index.ts'
import type { TokenResponse } from '../../src/grants/grant-type.ts'
import type { Keyring } from '../../src/keys/keyring.ts'
import { OAuthError } from '../../src/protocol/errors.ts'
import { Params } from '../../src/protocol/params.ts'
import { createAccessTokens } from '../../src/tokens/access-tokens.ts'
import { createTokenIssuer } from '../../src/tokens/issuer.ts'
import { createOwnTokens } from '../../src/tokens/own-tokens.ts'
import { createPresentedTokens } from '../../src/tokens/presented-tokens.ts'
import { createTargets } from '../../src/tokens/targets.ts'
import { toClient } from '../authorization/clients.ts'
import { act, createNode, secondsAfter, start } from '../tokens/setup.ts'
import type { Ancestry, Attempt, Kind, Revocation, Span } from './judgement.ts'
import { createNodeClock, createWorld, takingTurns, type World } from './world.ts'

export const kinds: readonly Kind[] = ['user', 'session', 'client', 'grant', 'token', 'everything']

/** Something done at a node; instants in seconds since the scenario's beginning. */
interface Step {
  node: number
  at: number
}

export interface Scenario {
  /** By how many milliseconds the clock of each node lags. */
  lags: number[]
  begin: number
  people: (Step & {
    user: number
    authorizations: (Step & { client: number; redemption: Step; refreshes: Step[] })[]
  })[]
  services: (Step & { client: number })[]
  revocations: (Step & {
    kind: Kind
    user: number
    client: number
    index: number
    refreshTokens: boolean
  })[]
  choices: number[]
}

export const issuer = 'https://issuer.example'
const scope = ['openid', 'offline_access']

/** Where it is played: for who does something beside it. */
export interface Scene {
  world: World
  database: Database
  /** Of each node. */
  clocks: Clock[]
  /** So far. */
  attempts: readonly Attempt[]
  /** Resolves at that many seconds after the scenario's beginning. */
  at(seconds: number): Promise<void>
}

/** A node that can issue. */
function createIssuingNode(world: World, database: Database, clock: Clock, keyring: Keyring) {
  const node = createNode(takingTurns(database, world), clock)
  const sign: Keyring['sign'] = (...token) => world.turn(() => keyring.sign(...token))
  const { accounts, revocations } = node
  const ownTokens = createOwnTokens({ keyring, revocations, issuer, clock })
  const accessTokens = createAccessTokens({ ownTokens, accounts })
  const grantTypes = createGrantTypes({
    presentedTokens: createPresentedTokens({ ownTokens, accessTokens, accounts }),
    clientEncryption: createClientEncryption({ clientKeys: { all: async () => [] } }),
    ...node,
    targets: createTargets({
      resources: node.resources,
      defaultAudience: issuer,
      accessTokenTtlSeconds: 600,
    }),
    assertionAudiences: [issuer],
    skewSeconds: 10,
    signUp: false,
    issuer: createTokenIssuer({ keyring: { sign }, issuer, idTokenTtlSeconds: 600 }),
    authorizationDetailsTypes: [],
    clock,
  })
  return { ...node, clock, grantTypes }
}

export async function play(
  database: Database,
  keyring: Keyring,
  { lags, begin, choices, ...plan }: Scenario,
  beside: (scene: Scene) => Promise<void> = async () => {},
): Promise<{ attempts: Attempt[]; revocations: Revocation[] }> {
  let chosen = 0
  const world = createWorld(start, (below) => choices[chosen++ % choices.length]! % below)
  const nodes = lags.map((lag) =>
    createIssuingNode(world, database, createNodeClock(world, lag), keyring),
  )
  const { subs, clients } = await populate(database)
  const signedIn: { sid: string }[] = []
  const attempts: Attempt[] = []
  const revocations: Revocation[] = []
  const at = (seconds: number) => world.turn(async () => {}, secondsAfter(start, begin + seconds))

  async function timed<Result>(work: () => Promise<Result>): Promise<Span & { result: Result }> {
    const from = world.turns()
    const result = await work()
    return { from, to: world.turns(), result }
  }

  async function signIn({ node, user, at: seconds, authorizations }: Scenario['people'][number]) {
    await at(seconds)
    const { accounts, sessions, clock } = nodes[node]!
    const sub = subs[user]!
    let read = 0
    const { from, to, result } = await timed(async () => {
      const authTime = clock.now()
      const account = await accounts.findBySub(sub)
      read = world.turns()
      await world.turn(async () => {}, secondsAfter(world.time(), 0.06)) // the password takes its time
      const after = [account?.revokedAt]
      return (await sessions.start({ sub, amr: ['pwd'], authTime, after }, undefined)).secret
    })
    const session = await sessions.find(result)
    if (session) signedIn.push(session)
    const person = { sub, secret: result, sid: session?.sid ?? '', signIn: { from, read, to } }
    await Promise.all(authorizations.map((one) => authorize(one, person)))
  }

  async function authorize(
    {
      node,
      client: number,
      at: seconds,
      redemption,
      refreshes,
    }: Scenario['people'][number]['authorizations'][number],
    { secret, ...person }: Pick<Ancestry, 'sub' | 'sid' | 'signIn'> & { secret: string },
  ) {
    await at(seconds)
    const { sessions, codes, subjects } = nodes[node]!
    const { clientId } = clients[number]!
    const { result: code, ...authorization } = await timed(async () => {
      const session = await sessions.find(secret)
      const rest = { redirectUri: undefined, nonce: undefined, codeChallenge: undefined }
      if (!session) return undefined
      const subject = subjects.of(clients[number]!, session.sub)
      return codes.create({ ...session, ...rest, subject, clientId, scope, resources: [] })
    })
    const ancestry = { ...person, authorization, via: 'code' } as const
    let tokens = await issue(redemption, number, ancestry, {
      grant_type: 'authorization_code',
      code: code ?? 'none',
    })
    const grantId = tokens && grantIdOf(tokens)
    for (const one of refreshes)
      tokens &&= await issue(
        one,
        number,
        { ...ancestry, via: 'refresh', grantId },
        {
          grant_type: 'refresh_token',
          refresh_token: tokens.refresh_token ?? 'none',
        },
      )
  }

  /** Undefined where it is refused. */
  async function issue(
    { node, at: seconds }: Step,
    number: number,
    ancestry: Ancestry | undefined,
    form: { grant_type: string; [name: string]: string },
  ): Promise<TokenResponse | undefined> {
    await at(seconds)
    const client = clients[number]!
    const grantType = nodes[node]!.grantTypes.find(({ name }) => name === form.grant_type)!
    const { result, ...span } = await timed(() =>
      grantType
        .exchange({
          client,
          params: new Params(Object.entries(form)),
          witness: createTestWitness().witness,
        })
        .catch((error: unknown) => {
          if (error instanceof OAuthError && error.code === 'invalid_grant') return undefined
          throw error
        }),
    )
    const { iat, jti, sub: subject } = result ? decodeJwt(result.access_token) : {}
    attempts.push({
      ...span,
      subject,
      clientId: client.clientId,
      grantId: ancestry?.grantId ?? (result && grantIdOf(result)),
      ancestry,
      iat,
      jti,
      accessToken: result?.access_token,
      madeAt: world.time(),
      counts: false,
    })
    return result
  }

  async function revoke(one: Scenario['revocations'][number]) {
    const { kind, refreshTokens } = one
    await at(one.at)
    const id = targetOf(one)
    if (id === undefined) return
    const { revocations: acts } = nodes[one.node]!
    const { result, ...span } = await timed((): Promise<unknown> => {
      if (kind === 'user') return acts.revokeUser(id, act)
      if (kind === 'session') return acts.revokeSession({ sid: id }, { ...act, refreshTokens })
      if (kind === 'client') return acts.revokeClient(id, act)
      if (kind === 'grant') return acts.revokeGrant(id, act)
      if (kind === 'token') return acts.revokeToken(id, act)
      return acts.revokeEverything(act)
    })
    if (result) revocations.push({ ...span, kind, id, refreshTokens })
  }

  /** Undefined where there is none yet. */
  function targetOf({ kind, user, client, index }: Scenario['revocations'][number]) {
    const pick = (ids: (string | undefined)[]) => ids.filter(Boolean)[index % ids.length]
    if (kind === 'user') return subs[user]
    if (kind === 'client') return clients[client]?.clientId
    if (kind === 'session') return pick(signedIn.map(({ sid }) => sid))
    if (kind === 'grant') return pick(attempts.map(({ grantId }) => grantId))
    if (kind === 'token') return pick(attempts.map(({ jti }) => jti))
    return ''
  }

  await Promise.all([
    ...plan.people.map(signIn),
    ...plan.services.map((one) =>
      issue(one, one.client, undefined, { grant_type: 'client_credentials' }),
    ),
    ...plan.revocations.map(revoke),
    beside({ world, database, clocks: nodes.map(({ clock }) => clock), attempts, at }),
    world.run(),
  ])
  const { revocations: judge } = createNode(database, createNodeClock(world, 0))
  for (const attempt of attempts) {
    const { iat, jti, clientId, grantId, ancestry, subject: sub } = attempt
    const { sid } = ancestry ?? {}
    const origin = { sub, sid, jti, client_id: clientId, grant_id: grantId }
    attempt.counts = iat !== undefined && !(await judge.isRevoked({ ...origin, iat }))
  }
  return { attempts, revocations }
}

function grantIdOf({ access_token: token }: TokenResponse): string | undefined {
  const { grant_id: grantId } = decodeJwt<{ grant_id?: string }>(token)
  return grantId
}

/** Two users and two clients, the first of which knows them by other subjects, and nothing revoked. */
async function populate(database: Database) {
  for (const table of ['users', 'clients', 'revocations', 'everything_revoked'])
    await database.query(`delete from ${table}`)
  const { accounts, clients: registry } = createNode(database, createNodeClock(idle, 0))
  const subs: string[] = []
  const metadata = {
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    id_token_signed_response_alg: 'ES256',
  }
  const clients = [
    toClient({ ...metadata, subject_type: 'pairwise' }, 'one'),
    toClient(metadata, 'two'),
  ]
  for (const username of ['alice', 'bob']) subs.push((await accounts.create({ username })).sub)
  for (const { clientId } of clients)
    await registry.create({ client_id: clientId, redirect_uris: ['https://app.example/cb'] })
  return { subs, clients }
}

const idle = createWorld(start, () => 0)
