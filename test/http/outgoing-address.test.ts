import type { LookupAddress } from 'node:dns'
import t from 'tap'
import { createFindDestination } from '../../src/http/outgoing-address.ts'

const special = /^a special-use address/

function createWorld({
  hosts = {},
  allowedNetworks = [],
  insecureHttp = false,
}: {
  hosts?: Record<string, string[]>
  allowedNetworks?: string[]
  insecureHttp?: boolean
}) {
  const lookups: string[] = []
  const lookup = async (host: string): Promise<LookupAddress[]> => {
    lookups.push(host)
    const found = hosts[host]
    if (!found) throw Object.assign(new Error('no such host'), { code: 'ENOTFOUND' })
    return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  }
  const find = createFindDestination({ allowedNetworks, insecureHttp, lookup })
  const failureOf = async (uri: string) => {
    const found = await find(uri)
    return 'failure' in found ? found.failure : undefined
  }
  return { find, failureOf, lookups }
}

t.test('a name is resolved once, and all of its addresses count', async (t) => {
  const { find, lookups } = createWorld({ hosts: { 'a.example': ['1.1.1.1', '2606:4700::1'] } })
  t.hasStrict(await find('https://a.example/x'), {
    addresses: [
      { address: '1.1.1.1', family: 4 },
      { address: '2606:4700::1', family: 6 },
    ],
  })
  t.strictSame(lookups, ['a.example'])
})

t.test('one special-use address among others is enough to refuse', async (t) => {
  const { failureOf } = createWorld({
    hosts: { 'a.example': ['1.1.1.1', '10.0.0.1'], 'b.example': ['2606:4700::1', '::1'] },
  })
  t.match(await failureOf('https://a.example/'), special)
  t.match(await failureOf('https://b.example/'), special)
})

t.test('an address in the URL is judged likewise, however it is written', async (t) => {
  const { failureOf, lookups } = createWorld({})
  const forms = '127.0.0.1 2130706433 0x7f.1 0177.0.0.1 127.1 [::1] [::ffff:127.0.0.1] [fd00::1]'
  for (const host of forms.split(' ')) t.match(await failureOf(`https://${host}/`), special, host)
  t.equal(await failureOf('https://1.1.1.1/'), undefined)
  t.strictSame(lookups, [])
})

t.test('networks that the setting names are allowed, and only these', async (t) => {
  const { failureOf } = createWorld({
    hosts: { 'a.example': ['10.1.2.3', '::1'], 'b.example': ['10.1.2.3', '10.2.0.1'] },
    allowedNetworks: ['10.1.0.0/16', '::1'],
  })
  t.equal(await failureOf('https://a.example/'), undefined)
  t.match(await failureOf('https://b.example/'), special)
  t.equal(await failureOf('https://[::ffff:10.1.0.1]/'), undefined)
})

t.test('plain http is for loopback that is allowed, or for a closed test network', async (t) => {
  const hosts = { localhost: ['127.0.0.1', '::1'], 'a.example': ['1.1.1.1'] }
  const allowedNetworks = ['127.0.0.0/8', '::1/128', '10.0.0.0/8']
  const plain = /^plain http/
  const strict = createWorld({ hosts, allowedNetworks })
  t.equal(await strict.failureOf('http://localhost:8080/'), undefined)
  t.match(await strict.failureOf('http://a.example/'), plain)
  t.match(await strict.failureOf('http://10.0.0.1/'), plain)
  t.match(await createWorld({ hosts }).failureOf('http://localhost/'), special)

  const loose = createWorld({ hosts, insecureHttp: true })
  t.equal(await loose.failureOf('http://a.example/'), undefined)
  t.match(await loose.failureOf('http://localhost/'), special)
})

t.test('what is no plain web address is refused before anything is looked up', async (t) => {
  const { failureOf, lookups } = createWorld({})
  for (const uri of ['nonsense', 'ftp://a.example/', 'file:///etc/passwd', 'data:,x'])
    t.equal(await failureOf(uri), 'no https URL', uri)
  t.match(await failureOf('https://user:secret@a.example/'), /^a URL with a user name/)
  t.strictSame(lookups, [])
})

t.test('a host without an address is said to have none', async (t) => {
  const { failureOf } = createWorld({ hosts: { 'empty.example': [] } })
  t.equal(await failureOf('https://unknown.example/'), 'no address of the host: ENOTFOUND')
  t.equal(await failureOf('https://empty.example/'), 'no address of the host')
})
