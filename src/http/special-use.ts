/** Addresses that are no place on the public Internet (IANA's special-purpose registries, RFC 6890). */
import { BlockList, isIP, isIPv4 } from 'node:net'
import { groupsOf } from './network.ts'

const specialIPv4 = createNetworks([
  '0.0.0.0/8', // this network, RFC 791
  '10.0.0.0/8', // private, RFC 1918
  '100.64.0.0/10', // shared by a carrier's customers, RFC 6598
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local, RFC 3927; a cloud's metadata service too
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation, RFC 5737
  '192.88.99.0/24', // 6to4 relays, RFC 7526
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarking, RFC 2544
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
])

/** All others are loopback, unique-local, link-local, multicast, or nobody's yet. */
const globalIPv6 = createNetworks(['2000::/3'])

const specialIPv6 = createNetworks([
  '2001::/23', // protocol assignments: Teredo, benchmarking, ORCHID
  '2001:db8::/32', // documentation, RFC 3849
  '2002::/16', // 6to4, which leads to any IPv4 address
  '3fff::/20', // documentation, RFC 9637
])

/** An IPv4 address also where an IPv6 address only carries it: mapped (RFC 4291 §2.5.5.2), or by NAT64 (RFC 6052 §2.1). */
const carriesIPv4 = createNetworks(['::ffff:0:0/96', '64:ff9b::/96'])

export const loopbackNetworks: readonly string[] = ['127.0.0.0/8', '::1/128']

/** Networks as CIDRs. */
export function createNetworks(cidrs: readonly string[]): BlockList {
  const networks = new BlockList()
  for (const cidr of cidrs) {
    const [address = '', prefix] = cidr.split('/')
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    networks.addSubnet(address, Number(prefix ?? (family === 'ipv4' ? 32 : 128)), family)
  }
  return networks
}

export function isWithin(networks: BlockList, address: string): boolean {
  return networks.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

/** The address that a connection ends at. */
export function endOf(address: string): string {
  if (isIP(address) !== 6 || !isWithin(carriesIPv4, address)) return address
  return groupsOf(address)
    .slice(6)
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.')
}

export function isSpecialUse(address: string): boolean {
  const end = endOf(address)
  if (isIPv4(end)) return isWithin(specialIPv4, end)
  // What is no address counts as special, and so does one with a zone, which is this machine's affair.
  if (isIP(end) === 0 || end.includes('%')) return true
  return !isWithin(globalIPv6, end) || isWithin(specialIPv6, end)
}
