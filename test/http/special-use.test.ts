import t from 'tap'
import { endOf, isSpecialUse } from '../../src/http/special-use.ts'

const rows: [addresses: string, isSpecial: boolean][] = [
  ['1.1.1.1 8.8.8.8 93.184.216.34 172.15.255.255 172.32.0.0 100.128.0.0 223.255.255.255', false],
  ['0.0.0.0 0.1.2.3', true],
  ['10.0.0.0 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1', true],
  ['100.64.0.1 100.127.255.255', true],
  ['127.0.0.1 127.255.255.254', true],
  ['169.254.169.254', true],
  ['192.0.0.8 192.0.2.1 198.51.100.1 203.0.113.1 192.88.99.1', true],
  ['198.18.0.1 198.19.255.255', true],
  ['224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255', true],
  ['2606:4700::1111 2a00:1450:4001::1', false],
  [':: ::1 ::2 fe80::1 febf::1 fec0::1 fc00::1 fdff::1 ff02::1 100::1 5f00::1', true],
  ['2001:db8::1 3fff::1 2001:2::1 2001:10::1', true],
  // What only carries an IPv4 address is judged by that.
  ['::ffff:10.0.0.1 ::ffff:7f00:1 0:0:0:0:0:ffff:127.0.0.1 64:ff9b::10.0.0.1', true],
  ['64:ff9b::a9fe:a9fe', true],
  ['::ffff:1.1.1.1 64:ff9b::101:101', false],
  // Compatible, 6to4, Teredo and a NAT64 of one's own: whatever they carry.
  ['::7f00:1 2002:7f00:1:: 2002:101:101:: 2001:0:4136:e378:: 64:ff9b:1::101:101', true],
  ['fe80::1%eth0 2606:4700::1%1 nonsense', true],
]

t.test('every special-use address is known as one (IANA special-purpose registries)', async (t) => {
  for (const [addresses, isSpecial] of rows)
    for (const address of addresses.split(' ')) t.equal(isSpecialUse(address), isSpecial, address)
})

t.test('the end of a connection is the IPv4 address that an IPv6 address carries', async (t) => {
  t.equal(endOf('::ffff:7f00:1'), '127.0.0.1')
  t.equal(endOf('64:ff9b::169.254.169.254'), '169.254.169.254')
  t.equal(endOf('2606:4700::1'), '2606:4700::1')
  t.equal(endOf('192.0.2.1'), '192.0.2.1')
})
