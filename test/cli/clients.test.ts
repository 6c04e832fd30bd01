import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createTestCli } from './run-cli.ts'

t.test('clients create prints the secret once (RFC 7591 §3.2.1)', async (t) => {
  const { run, json, directory, database } = await createTestCli(t)
  const file = join(directory, 'client.json')
  await writeFile(
    file,
    '{"client_name": "My app", "redirect_uris": ["https://app.example.com/cb"]}',
  )
  const created = await json(['clients', 'create', '--file', file])
  t.match(created, {
    client_id: /^[\da-f-]{36}$/,
    client_secret: /^[\w-]{43}$/,
    client_secret_expires_at: 0,
    client_id_issued_at: Number,
    client_name: 'My app',
    redirect_uris: ['https://app.example.com/cb'],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: 'client_secret_basic',
  })
  const clientId: string = created['client_id']

  const shown = await json(['clients', 'show', clientId])
  const { client_secret: secret, client_secret_expires_at: _, ...information } = created
  t.strictSame(shown, { ...information, registered_by: 'administrator' })
  t.strictSame(await json(['clients', 'list']), { clients: [shown] })
  await json(['clients', 'update', clientId, '--file', '-'], { input: JSON.stringify(shown) })
  const listed = await run(['clients', 'list'])
  t.match(listed.stdout, /client_id.*name[^]*My app.*client_secret_basic/)
  t.notMatch(listed.stdout, secret)

  const chosen = await run(['clients', 'create', '--file', '-'], {
    input: '{"client_id": "svc", "client_secret": "s3cret", "grant_types": ["client_credentials"]}',
  })
  t.match(chosen, {
    code: 0,
    stdout:
      /Created svc for the issuer http:\/\/localhost:3000[^]*client_secret +s3cret\n[^]*not shown again/,
    stderr: /^warning: The client_secret has fewer than 32/,
  })

  const rotated = await json(['clients', 'rotate-secret', clientId])
  t.match(rotated['client_secret'], /^[\w-]{43}$/)
  t.not(rotated['client_secret'], secret)
  const updated = await json(['clients', 'update', clientId, '--file', '-'], {
    input: '{"client_name": "Your app", "skip_consent": true}',
  })
  t.match(updated, { client_name: 'Your app', skip_consent: true, redirect_uris: [/example/] })
  t.notOk('client_secret' in updated)

  t.match(await json(['clients', 'delete', clientId]), {
    client_id: clientId,
    deleted: true,
    reason: 'deleted',
    not_before: String,
  })
  t.strictSame(await database.query('select kind, id from revocations'), [
    { kind: 'client', id: clientId },
  ])
  t.strictSame(await database.query('select client_id from clients'), [{ client_id: 'svc' }])
})

t.test('list and show say who registered a client (RFC 7591 §3)', async (t) => {
  const { run, json, database } = await createTestCli(t)
  const input = '{"client_id": "ours", "redirect_uris": ["https://app.example/cb"]}'
  await run(['clients', 'create', '--file', '-'], { input })
  const { id } = await json(['registration-tokens', 'create', '--name', 'Orders team'])
  const [url, gone] = ['https://app.example/client.json', '00000000-0000-4000-8000-000000000000']
  const others = { open: null, vouched: id, purged: gone, [url]: undefined }
  for (const [clientId, tokenId] of Object.entries(others)) {
    const fetchedAt = tokenId === undefined ? new Date() : null
    await database.query(
      `insert into clients
         (client_id, metadata, allowed_origins, created_at, updated_at, document_fetched_at, document_fresh_until)
       select $1, metadata, '{}', now(), now(), $2, $2 from clients where client_id = 'ours'`,
      [clientId, fetchedAt],
    )
    if (!fetchedAt)
      await database.query(
        `insert into client_registrations
           (client_id, access_token_hash, registration_token_id, registered_at)
         values ($1, '', $2, now())`,
        [clientId, tokenId],
      )
  }

  const { clients } = await json(['clients', 'list'])
  t.strictSame(
    clients.map((one: Record<string, string>) => [one['client_id'], one['registered_by']]),
    [
      ['ours', 'administrator'],
      ['open', 'itself'],
      ['vouched', `registration-token:${id}`],
      ['purged', `registration-token:${gone}`],
      [url, `document:${url}`],
    ],
  )
  const { stdout } = await run(['clients', 'list'])
  for (const [clientId, registrar] of [
    ['ours', 'administrator'],
    ['open', 'itself'],
    ['vouched', 'token Orders team'],
    ['purged', `token ${gone}`],
    ['client.json', 'its document'],
  ])
    t.match(stdout, new RegExp(`${clientId} .* ${registrar}\\n`))
  t.match(await run(['clients', 'show', 'vouched']), {
    stdout: new RegExp(`registered_by +registration-token:${id} \\(Orders team\\)\\n`),
  })
})

t.test('a client that cannot be is refused in one line', async (t) => {
  const { run, refusal } = await createTestCli(t)
  const create = ['clients', 'create', '--file', '-']
  const input = '{"client_id": "a", "grant_types": ["client_credentials"]}'
  await run(create, { input })

  t.match(await refusal(create, { input }), /"a" exists already/)
  t.match(await refusal(create, { input: '{"redirect_uri": "x"}' }), /Did you mean redirect_uris/)
  t.match(await refusal(create, { input: '[]' }), /as a JSON object/)
  t.match(await refusal(create, { input: '{"client_secret": "hunter2",' }), /input is not JSON/)
  t.notMatch(await refusal(create, { input: 'hunter2' }), /hunter2/)
  t.match(await refusal(['clients', 'show', 'b']), /No client has .*"b".*clients list/)
  t.match(await refusal(['clients', 'rotate-secret', 'b']), /There is no client .*"b"/)
  t.match(await refusal(['clients', 'delete', 'b']), /There is no client .*"b"/)
  t.match(await run(['clients', 'create']), { code: 1, stderr: /^error: required option '--file/ })
})

t.test('resources are created, listed, shown, updated and deleted (RFC 8707)', async (t) => {
  const { run, json, refusal, directory } = await createTestCli(t)
  const resource = 'https://api.example.com'
  const file = join(directory, 'resource.json')
  const orders = {
    resource,
    name: 'Orders',
    scopes: ['orders.read'],
    access_token_ttl_seconds: 300,
    access_token_signed_response_alg: 'ES256',
  }
  await writeFile(file, JSON.stringify(orders))

  t.match(await run(['resources', 'list']), { stdout: /No resources.*resources create/ })
  t.strictSame(await json(['resources', 'create', '--file', file]), orders)
  t.match(await refusal(['resources', 'create', '--file', file]), /exists already/)
  t.strictSame(await json(['resources', 'list']), { resources: [orders] })
  t.match((await run(['resources', 'list'])).stdout, /https:.*Orders.*5 minutes.*ES256/)
  t.strictSame(await json(['resources', 'show', resource]), orders)
  t.match(
    await run(['resources', 'update', resource, '--file', '-'], {
      input: '{"name": "All orders", "scopes": null}',
    }),
    { code: 0, stdout: /Updated[^]*name +All orders/ },
  )
  t.notOk('scopes' in (await json(['resources', 'show', resource])))
  t.match(
    await refusal(['resources', 'create', '--file', '-'], { input: '{"resource": "x"}' }),
    /name: Give it\. resource: .*absolute URI/,
  )
  t.strictSame(await json(['resources', 'delete', resource]), { resource, deleted: true })
  t.match(await refusal(['resources', 'show', resource]), /There is no resource/)
  t.match(await refusal(['resources', 'delete', resource]), /There is no resource/)
})
