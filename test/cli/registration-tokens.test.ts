import t from 'tap'
import { createTestCli } from './run-cli.ts'

t.test('registration-tokens: created and shown once, listed without it, revoked', async (t) => {
  const { run, json, refusal, database } = await createTestCli(t)
  t.match(await run(['registration-tokens', 'list']), { code: 0, stdout: /^No tokens\. Type: / })

  const create = ['registration-tokens', 'create', '--name', 'Orders team', '--max-uses', '5']
  const created = await json([...create, '--expires', '2h', '--reason', 'ticket 7'])
  const { initial_access_token: secret, ...shown } = created
  t.match(secret, /^[\w-]{43}$/)
  t.match(shown, { name: 'Orders team', uses: 0, max_uses: 5, revoked_at: null })
  t.equal(Date.parse(shown.expires_at) - Date.parse(shown.created_at), 7_200_000)
  t.strictSame(await json(['registration-tokens', 'list']), { registration_tokens: [shown] })

  const plain = await run(['registration-tokens', 'create'])
  t.match(plain, {
    code: 0,
    stdout: /initial_access_token +[\w-]{43}\n[^]*any number[^]*in 7 days[^]*not shown again/,
    stderr: /^warning: CLAVIGER_REGISTRATION is off here/,
  })
  const open = await run(['registration-tokens', 'create'], {
    env: { CLAVIGER_REGISTRATION: 'token' },
  })
  t.equal(open.stderr, '')

  const revoke = ['registration-tokens', 'revoke', shown.id]
  t.strictSame(await json(revoke), { id: shown.id, revoked: true })
  t.match(await run(['registration-tokens', 'list']), {
    stdout: /Orders team +0 of 5 +revoked 20[^]*in 7 days/,
  })
  t.match(await refusal(['registration-tokens', 'revoke', 'x']), /no registration token .*"x"/)
  t.match(await refusal([...create, '--max-uses', '0']), /more than 0/)
  t.match(await refusal([...create, '--name', '']), /1 to 200 characters/)

  const events = await database.query<{ action: string; reason: string | null }>(
    'select action, reason from audit_events where subject = $1 order by id',
    [shown.id],
  )
  t.strictSame(events, [
    { action: 'registration-tokens.create', reason: 'ticket 7' },
    { action: 'registration-tokens.revoke', reason: null },
  ])
  const [kept] = await database.query<{ row: string }>(
    'select t::text as row from registration_tokens t where id = $1',
    [shown.id],
  )
  t.notMatch(kept?.row, secret, 'only its hash is kept')
})
