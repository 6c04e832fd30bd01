/** Where outgoing requests may go: a name is resolved once, and all its addresses are judged before any is connected to. */
import type { LookupAddress } from 'node:dns'
import { lookup as lookupInSystem } from 'node:dns/promises'
import { isIP } from 'node:net'
import { codeOf } from '../database/errors.ts'
import { createNetworks, endOf, isSpecialUse, isWithin, loopbackNetworks } from './special-use.ts'

/** All addresses of a host name. */
export type Lookup = (host: string) => Promise<LookupAddress[]>

export interface Destination {
  url: URL
  /** The only ones that may be connected to. */
  addresses: LookupAddress[]
}

export type FindDestination = (uri: string) => Promise<Destination | { failure: string }>

const loopback = createNetworks(loopbackNetworks)

export function createFindDestination({
  allowedNetworks,
  insecureHttp,
  lookup = (host) => lookupInSystem(host, { all: true }),
}: {
  /** CIDRs that may be connected to although they are special-use. */
  allowedNetworks: readonly string[]
  /** Whether plain http may leave this machine. */
  insecureHttp: boolean
  lookup?: Lookup
}): FindDestination {
  const allowed = createNetworks(allowedNetworks)

  async function resolve(hostname: string): Promise<LookupAddress[]> {
    const literal = hostname.replace(/^\[(.*)\]$/, '$1')
    const family = isIP(literal)
    return family === 0 ? lookup(hostname) : [{ address: literal, family }]
  }

  return async (uri) => {
    const url = URL.canParse(uri) ? new URL(uri) : undefined
    if (url?.protocol !== 'https:' && url?.protocol !== 'http:') return { failure: 'no https URL' }
    if (url.username !== '' || url.password !== '')
      return { failure: 'a URL with a user name or password' }
    let addresses: LookupAddress[]
    try {
      addresses = await resolve(url.hostname)
    } catch (error) {
      return { failure: `no address of the host: ${codeOf(error) ?? 'lookup failed'}` }
    }
    if (addresses.length === 0) return { failure: 'no address of the host' }
    const ends = addresses.map(({ address }) => endOf(address))
    if (ends.some((end) => isSpecialUse(end) && !(isIP(end) > 0 && isWithin(allowed, end))))
      return { failure: 'a special-use address, which CLAVIGER_OUTGOING_ALLOWED_NETWORKS forbids' }
    const mayBePlain = insecureHttp || ends.every((end) => isWithin(loopback, end))
    return url.protocol === 'https:' || mayBePlain
      ? { url, addresses }
      : { failure: 'plain http, which is for loopback only' }
  }
}
