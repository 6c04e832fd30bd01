import t from 'tap'
import { networkOf, subnetOf } from '../../src/http/network.ts'

t.test('what is kept of an address is a network of many people', async (t) => {
  const cases: [address: string, line: string, subnet: string][] = [
    ['203.0.113.77', '203.0.113.77', '203.0.113.0/24'],
    ['::ffff:203.0.113.77', '203.0.113.77', '203.0.113.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', '2001:db8:1::/48'],
    ['2001:DB8::1', '2001:db8:0:0::/64', '2001:db8:0::/48'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64', 'fe80:0:0::/48'],
    ['::1', '0:0:0:0::/64', '0:0:0::/48'],
  ]
  for (const [address, line, subnet] of cases)
    t.strictSame([networkOf(address), subnetOf(address)], [line, subnet], address)
})

t.test('what a proxy passes on need not be an address', async (t) => {
  for (const text of [
    '',
    'unknown',
    '203.0.113',
    '203.0.113.777',
    '1.2.3.4:80',
    `a::/64`,
    '1'.repeat(9999),
  ])
    t.equal(subnetOf(text), 'unknown', text.slice(0, 20))
})
