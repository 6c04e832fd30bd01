/** The client of a soak: the client credentials grant (RFC 6749 §4.4) for an API of each algorithm. */
import { randomBytes } from 'node:crypto'
import { paths } from '../../../src/protocol/paths.ts'
import type { RunCommand } from './command.ts'
import type { SoakNode } from './node.ts'
import { algs, windows, type Alg } from './windows.ts'

export interface TokenClient {
  id: string
  secret: string
}

const scope = 'soak:read'
const resourceOf = (alg: Alg) => `https://${alg.toLowerCase()}.example.com`

export async function createTokenClient(runCommand: RunCommand): Promise<TokenClient> {
  async function create(noun: string, input: object): Promise<void> {
    const { code, stderr } = await runCommand([noun, 'create', '--file', '-'], input)
    if (code !== 0) throw new Error(`claviger ${noun} create: ${stderr}`)
  }

  for (const alg of algs)
    await create('resources', {
      resource: resourceOf(alg),
      name: `Signed with ${alg}`,
      scopes: [scope],
      access_token_ttl_seconds: windows.tokenTtlSeconds[alg],
      access_token_signed_response_alg: alg,
    })
  const [id, secret] = ['soak', randomBytes(32).toString('hex')]
  const grants = { grant_types: ['client_credentials'], scope }
  await create('clients', { client_id: id, client_secret: secret, ...grants })
  return { id, secret }
}

export async function requestToken(
  { origin }: Pick<SoakNode, 'origin'>,
  { id, secret }: TokenClient,
  alg: Alg,
): Promise<{ token: string } | { refusal: string }> {
  const basic = Buffer.from(`${id}:${secret}`).toString('base64')
  const grant = { grant_type: 'client_credentials', scope, resource: resourceOf(alg) }
  try {
    const answer = await fetch(origin + paths.token, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams(grant),
      signal: AbortSignal.timeout(10_000),
    })
    const { access_token: token, error } = (await answer.json()) as Record<string, string>
    return token === undefined ? { refusal: `${answer.status} ${error}` } : { token }
  } catch (error) {
    return { refusal: String(error) }
  }
}
