import t from 'tap'
import { createCliWithKeys, secondsBetween } from './keys-setup.ts'

const leadIsOver = `update signing_keys set signs_from = published_at where alg = 'RS256'`

t.test('keys rotate refuses a key that is too new', async (t) => {
  const { run, refusal, list, events } = await createCliWithKeys(t)
  const before = [await list(), await events()]
  const line = await refusal(['keys', 'rotate'])
  t.match(line, /Too early: the next RS256 key may sign from .*\(in 24 hours\).*--force --dry-run/)
  t.match(await refusal(['keys', 'rotate', '--dry-run']), /Too early/)
  t.match(await refusal(['keys', 'rotate', '--json']), /Too early/)
  t.strictSame([await list(), await events()], before)
  t.match(await run(['keys', 'rotate', '--alg', 'none']), { code: 1, stderr: /Allowed choices/ })
  t.match(await refusal(['keys', 'rotate', '--alg', 'PS256']), /PS256 is not in use/)
})

t.test('keys rotate --force says what breaks until when, and is audited', async (t) => {
  const { run, json, find, kidOf, events, list } = await createCliWithKeys(t)
  const [former, next] = [await kidOf('ES256', 'signing'), await find('ES256', 'published')]
  const args = ['keys', 'rotate', '--alg', 'ES256', '--force', '--reason', 'a drill']
  const before = [await list(), await events()]
  const dry = await run([...args, '--dry-run'])
  t.match(dry, { code: 0, stderr: '', stdout: /^A dry run[^]*What breaks: new ES256 tokens/ })
  t.match((await json([...args, '--dry-run']))['rotations'][0].changes, [
    { change: 'retire', kid: former },
    { change: 'activate', kid: next?.['kid'] },
    { change: 'publish', kid: null },
  ])
  t.strictSame([await list(), await events()], before, 'a dry run changes nothing')

  const forced = await json(args)
  t.match(forced, {
    dry_run: false,
    rotations: [
      {
        alg: 'ES256',
        verdict: 'promoted',
        signs_from: next?.['signs_from'],
        changes: [
          { change: 'retire', kid: former, leaves_jwks_at: String },
          { change: 'activate', kid: next?.['kid'], activated_at: String },
          { change: 'publish', kid: String, signs_from: String },
        ],
        breaks: { alg: 'ES256', kid: next?.['kid'] },
      },
    ],
  })
  const {
    nodes_until: nodes,
    caches_until: caches,
    verifiers_until: all,
  } = forced['rotations'][0].breaks
  const spans = [nodes, caches, all].map((until) => secondsBetween(next?.['published_at'], until))
  t.strictSame(spans, [660, 660 + 300, 86_400 - 10])
  t.equal(await kidOf('ES256', 'signing'), next?.['kid'])
  t.match(await find('ES256', 'retired'), { kid: former, next: { state: 'gone' } })
  t.match((await events()).at(-1), {
    action: 'keys.force',
    subject: next?.['kid'],
    actor: /^.+@.+$/,
    reason: 'a drill',
  })
})

t.test('keys rotate promotes a key once its lead is over, and breaks nothing', async (t) => {
  const { json, run, kidOf, database, refusal } = await createCliWithKeys(t)
  await database.query(
    `update signing_keys set published_at = published_at - interval '2 days', signs_from = published_at
     where alg = 'RS256'`,
  )
  const next = await kidOf('RS256', 'published')
  const { rotations } = await json(['keys', 'rotate', '--alg', 'RS256'])
  t.match(rotations, [{ alg: 'RS256', verdict: 'promoted', breaks: null }])
  t.equal(await kidOf('RS256', 'signing'), next)

  await database.query(leadIsOver)
  const outcome = await json(['keys', 'rotate'], { code: 1 })
  t.match(outcome['rotations'], [
    { alg: 'RS256', verdict: 'promoted' },
    { alg: 'ES256', verdict: 'too-early' },
  ])
  await database.query(leadIsOver)
  const { stdout } = await run(['keys', 'rotate', '--alg', 'RS256', '--dry-run'])
  t.match(stdout, /RS256: rotated\n[^]*signs no more[^]*signs from now on[^]*is published/)
  t.match(await refusal(['keys', 'rotate', '--alg', 'ES256']), /Too early/)
})

t.test('keys rotate --publish-only publishes a next key where there is none', async (t) => {
  const { json, run, database, kidOf, find } = await createCliWithKeys(t)
  const former = await kidOf('RS256', 'signing')
  const args = ['keys', 'rotate', '--alg', 'RS256', '--publish-only']
  t.match(await run(args), {
    code: 0,
    stdout: /a next key is in the JWKS already; it may sign from/,
  })
  await database.query(`delete from signing_keys where alg = 'RS256' and activated_at is null`)
  const { rotations } = await json(args)
  t.match(rotations, [{ verdict: 'published', changes: [{ change: 'publish' }], breaks: null }])
  t.equal(await kidOf('RS256', 'published'), rotations[0].changes[0].kid)
  t.match(await find('RS256', 'signing'), { kid: former })
  t.match(await run([...args, '--force']), { code: 1, stderr: /cannot be used with/ })
})
