/** How long a revoked user is still accepted: three nodes, verifiers that follow the feed, and the time until the last refuses. */
import { randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { authorize, post, redeem, signIn, toTokens } from '../test/support/flow.ts'
import { password, redirectUri } from '../test/support/provider.ts'
import { createVerifier, type Verifier } from '../src/verifier/verifier.ts'
import { withDeployment, type Deployment } from './deployment.ts'

const { values } = parseArgs({
  options: {
    verifiers: { type: 'string', default: '100' },
    revocations: { type: 'string', default: '50' },
    poll: { type: 'string' },
  },
})
const [verifierCount, revocationCount] = [Number(values.verifiers), Number(values.revocations)]
const pollSeconds = values.poll === undefined ? undefined : Number(values.poll)
if (!(verifierCount > 0 && revocationCount > 0))
  throw new Error('--verifiers and --revocations are numbers above 0')

const secret = randomBytes(32).toString('hex')

await withDeployment(3, {}, async (deployment) => {
  const tokens = await issueTokens(deployment)
  const verifiers = await startVerifiers(deployment)
  const revoke = await createRevoker(deployment)
  const [first, last]: [number[], number[]] = [[], []]
  for (const [index, { sub, token }] of tokens.entries()) {
    for (const verifier of verifiers) await verifier.verify(token) // so that each has seen it, and accepts it
    const times = await timesToRefuse(verifiers, token, () => revoke(sub, index))
    first.push(Math.min(...times))
    last.push(Math.max(...times))
  }
  for (const verifier of verifiers) verifier.close()
  report(first, last)
})

interface Issued {
  sub: string
  token: string
}

async function issueTokens({ issuer, admin }: Deployment): Promise<Issued[]> {
  const { clientSecret = '' } = await admin.clients.create({
    client_id: 'app',
    redirect_uris: [redirectUri],
    skip_consent: true,
  })
  const party = { clientId: 'app', secret: clientSecret }
  const issued: Issued[] = []
  for (let index = 0; index < revocationCount; index++) {
    const username = `user-${index}@example.com`
    const { sub } = await admin.accounts.create({ email: username, password })
    const browser = await signIn({ issuer }, undefined, username)
    const { code } = await authorize({ issuer }, browser, party)
    issued.push({
      sub,
      token: toTokens(await redeem({ issuer }, party, code)).access_token,
    })
  }
  return issued
}

/** Each follows the feed of one node, as behind a load balancer. */
async function startVerifiers({ issuer, nodes, admin }: Deployment): Promise<Verifier[]> {
  await admin.clients.create({
    client_id: 'api',
    client_secret: secret,
    grant_types: ['client_credentials'],
    scope: 'revocations',
  })
  const verifiers = Array.from({ length: verifierCount }, (_, index) => {
    const { origin } = nodes[index % nodes.length]!
    return createVerifier({
      issuer,
      audience: issuer,
      revocations: {
        clientId: 'api',
        clientSecret: secret,
        ...(pollSeconds !== undefined && { mode: 'poll', pollSeconds }),
      },
      fetch: (url, init) => fetch(url.replace(issuer, origin), init),
    })
  })
  await Promise.all(verifiers.map((verifier) => verifier.ready()))
  return verifiers
}

/** Each at another node. */
async function createRevoker({ issuer, nodes, admin }: Deployment) {
  await admin.clients.create({
    client_id: 'admin',
    client_secret: secret,
    grant_types: ['client_credentials'],
    scope: 'global_token_revocation',
  })
  const { body } = await post(
    { issuer },
    '/token',
    { clientId: 'admin', secret },
    {
      grant_type: 'client_credentials',
      scope: 'global_token_revocation',
    },
  )
  return async (sub: string, index: number): Promise<void> => {
    const answer = await fetch(`${nodes[index % nodes.length]!.origin}/global-token-revocation`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${String(body['access_token'])}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ sub_id: { format: 'opaque', id: sub } }),
    })
    if (answer.status !== 204) throw new Error(`Not revoked: ${answer.status}`)
  }
}

/** Milliseconds from the moment that the revocation was asked for. */
async function timesToRefuse(
  verifiers: readonly Verifier[],
  token: string,
  revoke: () => Promise<void>,
): Promise<number[]> {
  const waiting = new Set(verifiers)
  const times: number[] = []
  const began = performance.now()
  const revoked = revoke()
  while (waiting.size > 0) {
    for (const verifier of waiting)
      if (!(await isAccepted(verifier, token))) {
        waiting.delete(verifier)
        times.push(performance.now() - began)
      }
    await turn()
  }
  await revoked
  return times
}

async function isAccepted(verifier: Verifier, token: string): Promise<boolean> {
  try {
    await verifier.verify(token)
    return true
  } catch (error) {
    if ((error as { code?: string }).code === 'token_revoked') return false
    throw error
  }
}

function report(first: readonly number[], last: readonly number[]): void {
  const how = pollSeconds === undefined ? 'push' : `polling every ${pollSeconds} s`
  const table = new Table({
    head: [
      `${revocationCount} revocations, ${verifierCount} verifiers, ${how}`,
      'p50',
      'p99',
      'max',
    ],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right'],
  })
  for (const [name, times] of Object.entries({ 'first refuses': first, 'last refuses': last }))
    table.push([name, ...[0.5, 0.99, 1].map((part) => `${quantile(times, part).toFixed(0)} ms`)])
  process.stdout.write(`${table.toString()}\n`)
}

function quantile(numbers: readonly number[], part: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!
}
