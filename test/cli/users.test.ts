import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createTestCli } from './run-cli.ts'

const password = 'a long enough passphrase'

t.test('users create, list and show tell the same of a user', async (t) => {
  const { run, json, directory } = await createTestCli(t)
  const claims = join(directory, 'claims.json')
  await writeFile(claims, '{"roles": ["admin"], "locale": "en-GB"}')

  t.match(await run(['users', 'list']), { code: 0, stdout: /No users.*users create/ })
  const create = 'users create --email jane@example.com --email-verified --username jane'
  const jane = await json(
    [...create.split(' '), '--name', 'Jane Doe', '--claims', claims, '--password-stdin'],
    { input: `${password}\n` },
  )
  t.match(jane, {
    sub: /^[\da-f-]{36}$/,
    email: 'jane@example.com',
    email_verified: true,
    username: 'jane',
    status: 'active',
    has_password: true,
    claims: { name: 'Jane Doe', roles: ['admin'], locale: 'en-GB' },
    created_at: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
    disabled_at: null,
    revoked_at: null,
  })
  const created = await run(['users', 'create', '--username', 'bob', '--password', password])
  t.match(created, { code: 0, stdout: /Created bob\.[^]*Next, type: claviger clients create/ })

  for (const name of ['JANE@example.com', 'jane', jane['sub']])
    t.strictSame(await json(['users', 'show', name]), jane)
  t.match((await run(['users', 'show', 'jane'])).stdout, /^roles +admin|claims +.*Jane Doe/m)

  const { users, next_after: nextAfter } = await json(['users', 'list'])
  t.strictSame(users.map((user: { username: string }) => user.username).toSorted(), ['bob', 'jane'])
  t.equal(nextAfter, null)
  const first = await json(['users', 'list', '--limit', '1'])
  t.equal(first['next_after'], first['users'][0].sub)
  const second = await json(['users', 'list', '--limit', '1', '--after', first['next_after']])
  t.strictSame([...first['users'], ...second['users']], users)
  t.match(await json(['users', 'list', '--query', 'doe']), { users: [{ username: 'jane' }] })
  t.match(
    (await run(['users', 'list'])).stdout,
    /email.*username.*status.*sub[^]*jane@example\.com/,
  )
})

t.test('a user that cannot be created is refused in one line', async (t) => {
  const { run, refusal, directory } = await createTestCli(t)
  const input = password
  await run(['users', 'create', '--email', 'jane@example.com', '--password-stdin'], { input })
  const create = ['users', 'create', '--password-stdin']

  t.match(await refusal([...create, '--email', 'Jane@example.com'], { input }), /already has/)
  t.match(await refusal(create, { input }), /neither an email nor a username/)
  t.match(await refusal([...create, '--username', 'x'], { input: 'short' }), /fewer than 8/)
  t.match(await refusal(['users', 'create', '--username', 'x']), /No password.*--password-stdin/)
  const bad = join(directory, 'bad.json')
  await writeFile(bad, '{"secret": "hunter2" "}')
  t.notMatch(await refusal([...create, '--username', 'x', '--claims', bad], { input }), /hunter2/)
  t.match(
    await refusal([...create, '--username', 'x', '--claims', '-'], { input }),
    /cannot hold both/,
  )
  t.match(
    await refusal([...create, '--username', 'x', '--claims', '/nowhere.json'], { input }),
    /\/nowhere\.json cannot be read/,
  )
  t.match(await run([...create, '--password', 'p']), {
    code: 1,
    stderr: /^error: .*cannot be used with/,
  })
})

t.test("users revoke sets the user's not-before to now", async (t) => {
  const { run, json, refusal, database } = await createTestCli(t)
  const { sub } = await json(['users', 'create', '--username', 'jane', '--password', password])
  const before = Date.now()
  const revoked = await json(['users', 'revoke', 'jane', '--reason', 'laptop stolen'])
  const after = Date.now()

  const revokedAt = new Date(revoked['revoked_at']).getTime()
  t.ok(revokedAt >= before - 1 && revokedAt <= after + 1)
  t.equal(new Date(revoked['not_before']).getTime(), (Math.floor(revokedAt / 1000) + 1) * 1000)
  t.match(revoked, {
    sub,
    reason: 'laptop stolen',
    ended: { sessions: 0, codes: 0, refresh_tokens: 0 },
  })
  t.equal(new Date(revoked['verifiers_until']).getTime(), revokedAt + 600_000)
  t.strictSame(
    await database.query('select kind, id, reason, not_before, revoked_at from revocations'),
    [
      {
        kind: 'user',
        id: sub,
        reason: 'laptop stolen',
        not_before: new Date(revoked['not_before']),
        revoked_at: new Date(revoked['revoked_at']),
      },
    ],
  )
  t.equal((await json(['users', 'show', sub]))['revoked_at'], revoked['revoked_at'])
  const { stdout } = await run(['users', 'revoke', sub])
  t.match(stdout, /Revoked jane\.\nWhatever was issued before[^]*\nEnded: the access tokens\.\n/)
  t.match(stdout, /goes by expiry alone\nmay accept them for 10 minutes yet, until 2/)
  const { events } = await json(['audit', '--subject', sub, '--limit', '2'])
  t.match(events, [
    { action: 'users.revoke', actor: /^.+@.+$/, reason: null },
    {
      action: 'users.revoke',
      actor: /^.+@.+$/,
      subject: sub,
      reason: 'laptop stolen',
      details: { not_before: revoked['not_before'], ended: revoked['ended'] },
    },
  ])
  t.match(await refusal(['users', 'revoke', 'nobody']), /No user has .*"nobody".*users list/)
})

t.test('users disable, enable, set-password and delete end what the user holds', async (t) => {
  const { run, json, refusal, database } = await createTestCli(t)
  const { sub } = await json(['users', 'create', '--username', 'jane', '--password', password])
  const hash = async () =>
    (await database.query<{ password_hash: string }>('select password_hash from users'))[0]
      ?.password_hash
  const reasons = async () => {
    const rows = await database.query<{ reason: string }>('select reason from revocations')
    return rows.map(({ reason }) => reason)
  }

  const disabled = await json(['users', 'disable', 'jane', '--reason', 'left'])
  t.match(disabled, { status: 'disabled', disabled_at: String, revoked_at: String, reason: 'left' })
  t.strictSame(await reasons(), ['left'])
  t.match((await run(['users', 'list'])).stdout, /jane.*disabled/)
  t.match(await json(['users', 'enable', 'jane']), {
    status: 'active',
    disabled_at: null,
    revoked_at: disabled['revoked_at'],
  })

  const former = await hash()
  const renewed = await json(['users', 'set-password', 'jane', '--password-stdin'], {
    input: 'another long passphrase\r\n',
  })
  t.not(await hash(), former)
  t.ok(renewed['revoked_at'] > disabled['revoked_at'])
  t.strictSame(await reasons(), ['new password'])
  const kept = await run(
    ['users', 'set-password', 'jane', '--password', password, '--keep-sessions'],
    { input: '' },
  )
  t.match(kept, { code: 0, stdout: /Sessions and tokens go on\. To end them: .*users revoke jane/ })
  t.equal((await json(['users', 'show', 'jane']))['revoked_at'], renewed['revoked_at'])
  t.match(await refusal(['users', 'set-password', 'jane', '--password', 'jane']), /fewer than 8/)
  const positional = await run(['users', 'set-password', 'jane', 'positional-passw0rd'])
  t.match(positional, { code: 1, stderr: /^error: too many arguments/ })
  t.notMatch(positional.stderr, /positional-passw0rd/)

  t.match(await refusal(['users', 'delete', 'jane']), /cannot be undone: add --yes/)
  t.match(await json(['users', 'delete', 'jane', '--yes']), { sub, deleted: true, reason: null })
  t.strictSame(await reasons(), ['deleted'])
  await refusal(['users', 'show', 'jane'])

  const { events } = await json(['audit', '--action', 'users'])
  const actions = events.map(({ action }: { action: string }) => action)
  t.equal(
    actions.join(' ').replaceAll('users.', ''),
    'delete revoke set-password revoke set-password enable revoke disable',
  )
})

t.test('users set-claims replaces what is said of a user', async (t) => {
  const { run, json, refusal } = await createTestCli(t)
  await json(['users', 'create', '--username', 'jane', '--name', 'Jane', '--password', password])
  const set = (claims: object) =>
    json(['users', 'set-claims', 'jane', '--file', '-'], { input: JSON.stringify(claims) })
  t.strictSame((await set({ name: 'Jane Doe', roles: ['admin'] }))['claims'], {
    name: 'Jane Doe',
    roles: ['admin'],
  })
  t.strictSame((await set({ roles: ['clerk'] }))['claims'], { roles: ['clerk'] })
  const wrong = { input: '{"sub": "somebody-else"}' }
  t.match(await refusal(['users', 'set-claims', 'jane', '--file', '-'], wrong), /sub/)
  t.match((await run(['users', 'show', 'jane'])).stdout, /clerk/)
  const { events } = await json(['audit', '--action', 'users.set-claims'])
  t.equal(events.length, 2)
})

t.test('a stored name does not steer the terminal', async (t) => {
  const { run, directory, database } = await createTestCli(t)
  const claims = join(directory, 'claims.json')
  await writeFile(claims, JSON.stringify({ name: 'Jane\u001b[2J\u202e\nx', note: '\u009b2J' }))
  await run(['users', 'create', '--username', 'jane', '--password', password, '--claims', claims])
  t.equal((await database.query('select sub from users')).length, 1)
  for (const args of [['list'], ['show', 'jane'], ['show', 'jane', '--json']]) {
    const { stdout } = await run(['users', ...args])
    t.match(stdout, /\\u001b\[2J\\u202e/)
    t.notMatch(stdout, /(?!\n)\p{Cc}|\u202e/u)
  }
})
