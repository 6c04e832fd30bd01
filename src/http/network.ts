/** Networks of addresses. */
import { isIP, isIPv4, isIPv6 } from 'node:net'

/** What may be kept of an address, as many people share it: the /24 of IPv4, the /48 of IPv6. */
export function subnetOf(address: string): string {
  if (isIP(address) === 0) return 'unknown'
  const line = networkOf(address)
  return isIPv4(line)
    ? line.replace(/\d+$/, '0/24')
    : `${line.split(':').slice(0, 3).join(':')}::/48`
}

/** Whom an address stands for: an IPv4 address one line, an IPv6 address its /64, of which one line has them all. */
export function networkOf(address: string): string {
  const [bare = ''] = address.split('%', 1)
  if (!isIPv6(bare)) return bare
  const groups = groupsOf(bare)
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  return isMapped
    ? groups
        .slice(6)
        .flatMap((group) => [group >> 8, group & 0xff])
        .join('.')
    : `${groups
        .slice(0, 4)
        .map((group) => group.toString(16))
        .join(':')}::/64`
}

/** The eight numbers of an IPv6 address; the URL parser has the one shortest form (RFC 5952). */
export function groupsOf(address: string): number[] {
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return [...before, ...zeros, ...after].map((group) => parseInt(group, 16))
}
