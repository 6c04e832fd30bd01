/** Broken client assertions at every endpoint that takes them (RFC 7523 §3, OpenID Connect Core §9). */
import t from 'tap'
import { createParties, endpoints } from './client-parties.ts'
import { forge, shapeless } from './forged-tokens.ts'

const { provider, present, refused, claims, signed, assertion } = await createParties(t)

t.test('a broken client assertion is invalid_client, and not used up', async (t) => {
  const now = Math.floor(provider.clock.now().getTime() / 1000)
  const good = await signed()
  const ours = await provider.services.keyring.sign('RS256', 'JWT', claims())
  const broken: Record<string, string> = {
    ...shapeless,
    'signed by us': ours,
    'half of it': good.slice(0, good.length / 2),
    'another signature': `${good.slice(0, -8)}AAAAAAAA`,
    'no alg': Object.values(forge(ours, provider.services))[0]!,
    'iss of another': await signed({ iss: 'basic-client' }),
    'sub of another': await signed({ sub: 'basic-client' }),
    'sub of nobody': await signed({ sub: 'nobody', iss: 'nobody' }),
    'no iss': await signed({ iss: undefined }),
    'no sub': await signed({ sub: undefined }),
    'no aud': await signed({ aud: undefined }),
    'no exp': await signed({ exp: undefined }),
    'no jti': await signed({ jti: undefined }),
    'aud of another server': await signed({ aud: 'https://other.example/token' }),
    'several aud': await signed({ aud: [provider.issuer, 'https://other.example'] }),
    expired: await signed({ exp: now - 60 }),
    'expires in years': await signed({ exp: now + 10 ** 9 }),
    'from the future': await signed({ iat: now + 3600, nbf: now + 3600 }),
    'exp a text': await signed({ exp: 'tomorrow' }),
    'jti an object': await signed({ jti: {} }),
    'jti with a NUL': await signed({ jti: '\0', aud: 'x' }),
  }
  for (const [name, client_assertion] of Object.entries(broken))
    await refused(t, { form: { ...(await assertion()), client_assertion } }, name)
  const wrongType = { ...(await assertion()), client_assertion_type: 'jwt-bearer' }
  await refused(t, { form: wrongType }, 'an unknown type')
  const { client_assertion_type, client_assertion } = await assertion()
  await refused(t, { form: { client_assertion } }, 'without its type')
  await refused(t, { form: { client_assertion_type } }, 'a type without it')
  const mismatch = { ...(await assertion()), client_id: 'basic-client' }
  await refused(t, { form: mismatch }, 'client_id of another')
})

t.test('an assertion works once, whatever the endpoint', async (t) => {
  const form = await assertion()
  const [[path, fields]] = endpoints
  t.equal((await present(path, fields, { form })).status, 200)
  await refused(t, { form }, 'again')
})

t.test('no assertion makes the log complain of the server', async (t) => {
  const faults = provider.logged.filter(({ level }) => Number(level) >= 50)
  t.strictSame(faults, [])
})
