import t from 'tap'
import { createClientIdUrlRule, isClientIdUrl } from '../../src/clients/client-id-url.ts'

t.test('a client_id may be an https URL with a path (CIMD §3)', async (t) => {
  for (const url of [
    'https://app.example.com/client.json',
    'https://app.example.com:8443/oauth/client',
    'https://app.example.com/client/',
    'https://app.example.com/client?version=2',
    'https://app.example.com/a%20b',
  ])
    t.equal(isClientIdUrl(url), true, url)
})

t.test('and none in any other form', async (t) => {
  for (const url of [
    'http://app.example.com/client.json',
    'https://app.example.com',
    'https://app.example.com/',
    'https://app.example.com?client',
    'https://app.example.com/client#fragment',
    'https://app.example.com/client#',
    'https://user@app.example.com/client',
    'https://user:secret@app.example.com/client',
    'https://app.example.com/a/../client',
    'https://app.example.com/./client',
    'https://app.example.com/a/%2e%2e/client',
    'https://app.example.com/..',
    'https://APP.example.com/client',
    'https://app.example.com:443/client',
    String.raw`https://app.example.com\client`,
    'https:app.example.com/client',
    ' https://app.example.com/client',
    'https://app.example.com/cli ent',
    'https://app.example.com/clïent',
    'https://2130706433/client',
    'https:///client',
    'https://[::1/client',
    `https://app.example.com/${'a'.repeat(1024)}`,
    'urn:example:client',
    'client',
    '',
  ])
    t.equal(isClientIdUrl(url), false, url)
})

t.test('an administrator says whether they are taken, and of which hosts', async (t) => {
  const url = 'https://app.example.com:8443/client'
  const isTaken = (enabled: boolean, hosts: string[]) =>
    createClientIdUrlRule({ enabled, hosts })(url)
  t.equal(isTaken(true, []), true)
  t.equal(isTaken(true, ['other.example.com', 'app.example.com']), true)
  t.equal(isTaken(true, ['example.com']), false)
  t.equal(isTaken(false, []), false)
  t.equal(isTaken(false, ['app.example.com']), false)
})
