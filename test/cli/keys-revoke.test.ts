import t from 'tap'
import { createCliWithKeys, secondsBetween } from './keys-setup.ts'

t.test('keys revoke takes a key out at once and lets the next one sign', async (t) => {
  const { run, refusal, find, kidOf, list, events } = await createCliWithKeys(t)
  const [kid, next] = [await kidOf('RS256', 'signing'), await kidOf('RS256', 'published')]
  const before = [await list(), await events()]
  const dry = await run(['keys', 'revoke', kid, '--dry-run'])
  t.match(dry, { code: 0, stdout: /^A dry run[^]*is revoked[^]*Worst case/ })
  t.strictSame([await list(), await events()], before, 'a dry run changes nothing')

  const revoked = await run(['keys', 'revoke', kid, '--reason', 'found in a log'])
  t.match(revoked, {
    code: 0,
    stdout: new RegExp(
      `^Revoked ${kid}[^]*${next}\n +signs from now on[^]*` +
        'Worst case[^]*out of touch +.*\\(in 11 minutes\\)\n.*max-age +.*\\(in 16 minutes\\)\n' +
        '.*longer +.*\\(in 24 hours\\)\n[^]*What breaks: new RS256 tokens',
    ),
  })
  t.match(await find('RS256', 'revoked'), { kid, revocation_reason: 'found in a log', next: null })
  t.equal(await kidOf('RS256', 'signing'), next)
  t.match((await events()).at(-1), {
    action: 'keys.revoke',
    subject: kid,
    reason: 'found in a log',
  })

  t.match(await refusal(['keys', 'revoke', kid]), /was revoked before/)
  t.match(await refusal(['keys', 'revoke', '-unknown']), /No key has the kid "-unknown".*keys list/)
})

t.test('the exposure after a revocation follows the settings', async (t) => {
  const { json, kidOf, database } = await createCliWithKeys(t, {
    CLAVIGER_KEY_PUBLICATION_LEAD_SECONDS: '4',
    CLAVIGER_KEY_ROTATION_INTERVAL_SECONDS: '3600',
    CLAVIGER_JWKS_MAX_AGE_SECONDS: '1',
    CLAVIGER_VERIFIER_CACHE_SECONDS: '0',
    CLAVIGER_KEY_STALENESS_SECONDS: '2',
  })
  await database.query(
    `update signing_keys set published_at = published_at - interval '1 hour',
       signs_from = signs_from - interval '1 hour'`,
  )
  const kid = await kidOf('ES256', 'signing')
  const { exposure, changes, breaks } = await json(['keys', 'revoke', kid])
  const { from, nodes_until: nodes, caches_until: caches, verifiers_until: all } = exposure
  t.strictSame(
    [nodes, caches, all].map((until) => secondsBetween(from, until)),
    [2, 3, 3],
  )
  t.match(changes, [{ change: 'revoke', kid, revoked_at: from }, { change: 'activate' }, {}])
  t.equal(breaks, null, 'every verifier knows the key that signs now')
})

t.test(
  'when the next key is revoked, another takes its place and the signing one stays',
  async (t) => {
    const { json, kidOf } = await createCliWithKeys(t)
    const [signing, next] = [await kidOf('RS256', 'signing'), await kidOf('RS256', 'published')]
    const { changes, breaks } = await json(['keys', 'revoke', next])
    t.match(changes, [
      { change: 'revoke', kid: next },
      { change: 'publish', activated_at: null },
    ])
    t.equal(breaks, null)
    t.equal(await kidOf('RS256', 'signing'), signing)
    t.not(await kidOf('RS256', 'published'), next)
  },
)
