/** How the text of a setting is read. A fault says what to write instead. */
import { X509Certificate } from 'node:crypto'
import { accessSync, constants, readFileSync } from 'node:fs'
import { isIP, isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { loopbackNetworks } from '../http/special-use.ts'
import { requiredSigningAlgs, signingAlgs, type SigningAlg } from '../protocol/signing-algs.ts'

export type Parsed<T> = { value: T } | { fault: string }
export type Parser<T> = (text: string) => Parsed<T>

export function wholeNumber(lowest: number, highest: number): Parser<number> {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN
    return value >= lowest && value <= highest
      ? { value }
      : { fault: `a whole number from ${lowest} to ${highest}` }
  }
}

export function oneOf<Choice extends string>(choices: readonly Choice[]): Parser<Choice> {
  return (text) => {
    const value = choices.find((choice) => choice === text)
    return value === undefined ? { fault: `one of ${choices.join(', ')}` } : { value }
  }
}

export const onOrOff: Parser<boolean> = (text) =>
  text === 'on' || text === 'off' ? { value: text === 'on' } : { fault: 'on or off' }

export const rsaKeyBits: Parser<number> = (text) =>
  ['2048', '3072', '4096'].includes(text)
    ? { value: Number(text) }
    : { fault: 'one of 2048, 3072, 4096' }

/** In one order, however they are written, so that all nodes publish the same. */
export const signingAlgorithms: Parser<readonly SigningAlg[]> = (text) => {
  const names = text.split(',').map((name) => name.trim())
  const chosen = signingAlgs.filter((alg) => names.includes(alg))
  const isComplete = requiredSigningAlgs.every((alg) => chosen.includes(alg))
  return isComplete && chosen.length === names.length
    ? { value: Object.freeze(chosen) }
    : { fault: 'RS256,ES256, followed by PS256 or EdDSA or both if you like' }
}

export const path: Parser<string> = (text) => ({ value: resolve(text) })

export const readableFile: Parser<string> = (text) => {
  try {
    accessSync(text, constants.R_OK)
    return { value: resolve(text) }
  } catch {
    return { fault: 'the path of a PEM file that this process may read' }
  }
}

export const certificateFile: Parser<string> = (text) =>
  isCertificate(text)
    ? { value: resolve(text) }
    : { fault: 'the path of a PEM file of certificates that this process may read' }

function isCertificate(file: string): boolean {
  try {
    return new X509Certificate(readFileSync(file)).fingerprint256 !== ''
  } catch {
    return false
  }
}

export const host: Parser<string> = (text) =>
  isIP(text) > 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text)
    ? { value: text }
    : { fault: 'a host name or an address such as localhost, 0.0.0.0 or :: (without port)' }

export const hosts: Parser<readonly string[]> = (text) => {
  const names = text.split(',').map((name) => name.trim().toLowerCase())
  return names.every((name) => 'value' in host(name))
    ? { value: Object.freeze(names) }
    : { fault: 'host names such as app.example.com, separated by commas (without port)' }
}

export const audience: Parser<string> = (text) =>
  /^[\x21-\x7e]+$/.test(text) ? { value: text } : { fault: 'a URI without spaces' }

/** Separated by commas, or `none`. */
export const names: Parser<readonly string[]> = (text) => {
  if (text === 'none') return { value: [] }
  const all = Object.freeze(text.split(',').map((name) => name.trim()))
  return all.every((name) => /^[\x21-\x7e]{1,200}$/.test(name))
    ? { value: all }
    : { fault: 'names without spaces, separated by commas, or none' }
}

/** OpenID Connect Discovery §3: https, no query or fragment; clients compare it character by character. */
export const issuer: Parser<string> = (text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    return { fault: 'an absolute URL such as https://login.example.com' }
  const canonical = url.origin + url.pathname.replace(/\/+$/, '')
  return canonical === text
    ? { value: text }
    : { fault: `it without query, fragment, user or trailing slash: ${canonical}` }
}

export function isLoopback(url: string): boolean {
  return /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname)
}

export const databaseUrl: Parser<string> = (text) =>
  // A socket has no host: postgresql://user@/database?host=/run/postgresql
  /^postgres(ql)?:\/\//.test(text) && URL.canParse(text.replace(/@\//, '@socket/'))
    ? { value: text }
    : { fault: 'postgres://USER:PASSWORD@HOST:5432/DATABASE, special characters percent-encoded' }

/** One or several, in hexadecimal, base64url or base64; read by keys/key-encryption-keys. */
export const keysOf32Bytes: Parser<string> = (text) =>
  text.split(/[\s,]+/).every((key) => /^(?:[\da-f]{64}|[\w-]{43}|[a-z\d+/]{43}=?)$/i.test(key))
    ? { value: text }
    : { fault: 'what `openssl rand -hex 32` prints' }

export const headerName: Parser<string> = (text) =>
  /^[a-z][\w-]*$/i.test(text) && !['authorization', 'cookie', 'dpop'].includes(text.toLowerCase())
    ? { value: text.toLowerCase() }
    : { fault: 'the name of a header of its own, such as client-cert' }

export type TrustProxy = false | number | readonly string[]

export const trustProxy: Parser<TrustProxy> = (text) => {
  if (text === 'off' || text === 'false') return { value: false }
  if (text === 'on' || text === 'true') return { value: 1 }
  if (/^[1-9]\d?$/.test(text)) return { value: Number(text) }
  const addresses = text.split(',').map((address) => address.trim())
  return addresses.every(isAddressOrRange)
    ? { value: Object.freeze(addresses) }
    : { fault: 'off, how many proxies stand in front (such as 1), or their addresses or CIDRs' }
}

/** CIDRs. */
export const networks: Parser<readonly string[]> = (text) => {
  const parts = text === 'none' ? [] : text.split(',').map((part) => part.trim())
  const value = parts.flatMap((part) => (part === 'loopback' ? loopbackNetworks : part))
  return value.every((one) => isAddressOrRange(one) && !one.includes('%'))
    ? { value: Object.freeze(value) }
    : { fault: 'none, loopback, or addresses and CIDRs such as 10.0.0.0/8, separated by commas' }
}

export function loopbackNetworksOf(url: string): readonly string[] {
  return isLoopback(url) ? loopbackNetworks : []
}

function isAddressOrRange(text: string): boolean {
  const [address, prefix, ...rest] = text.split('/')
  if (address === undefined || isIP(address) === 0 || rest.length > 0) return false
  return prefix === undefined || 'value' in wholeNumber(0, isIPv6(address) ? 128 : 32)(prefix)
}
