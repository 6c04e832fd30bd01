/** The environment, read once into one frozen Config. Every fault is reported at once. */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { crossCheck } from './config/cross-checks.ts'
import { loopbackNetworksOf } from './config/parsers.ts'
import type { Setting } from './config/setting.ts'
import { settings, type SettingValues } from './config/settings.ts'
import { findUnknown } from './config/unknown-variables.ts'
import { Refusal } from './protocol/refusal.ts'

export { settingsTable } from './config/settings-table.ts'

export type Environment = Readonly<Record<string, string | undefined>>

type Derived =
  | 'issuer'
  | 'defaultAudience'
  | 'passwordHashConcurrency'
  | 'clockSkewSeconds'
  | 'verifierCacheSeconds'
  | 'keyStalenessSeconds'
  | 'outgoingAllowedNetworks'

export type Config = Readonly<
  Omit<SettingValues, Derived | 'tlsCertFile' | 'tlsKeyFile'> & {
    [Name in Derived]: NonNullable<SettingValues[Name]>
  } & { tls: Readonly<{ certFile: string; keyFile: string }> | undefined }
>

export function loadConfig(): Config {
  return readConfig(process.env)
}

/** Throws one Refusal that names every variable at fault and says what to write. */
export function readConfig(environment: Environment): Config {
  const faults = findUnknown(environment, Object.values<Setting>(settings).flatMap(variablesOf))
  const faulty = new Set<string>()
  const read = Object.entries<Setting>(settings).map(([name, setting]) => {
    const outcome = readSetting(setting, environment)
    if ('value' in outcome) return [name, outcome.value]
    faults.push(outcome.fault)
    faulty.add(name)
    return [name, defaultOf(setting)]
  })
  const given: SettingValues = Object.fromEntries(read)
  const config = derive(given)
  faults.push(...crossCheck(config, given, faulty))
  if (faults.length > 0) throw new Refusal(describe(faults))
  return Object.freeze(config)
}

function variablesOf({ variable, secret }: Setting): string[] {
  return secret ? [variable, `${variable}_FILE`] : [variable]
}

/** A variable that is set but empty counts as not set. */
function readSetting(
  setting: Setting,
  environment: Environment,
): { value: unknown } | { fault: string } {
  const { variable } = setting
  const text = environment[variable] || undefined
  const file = setting.secret ? environment[`${variable}_FILE`] || undefined : undefined
  if (file !== undefined && text !== undefined)
    return { fault: `${variable} and ${variable}_FILE are both set. Set one of them.` }
  if (file !== undefined) return readSecretFile(setting, file)
  if (text === undefined) return { value: defaultOf(setting) }
  const parsed = setting.parse(text)
  if ('value' in parsed) return parsed
  const shown = setting.secret ? 'not valid' : quote(text)
  return { fault: `${variable} is ${shown}. Write ${parsed.fault}.` }
}

function readSecretFile(setting: Setting, file: string): { value: unknown } | { fault: string } {
  const source = `${setting.variable}_FILE`
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch {
    return { fault: `${source} is ${quote(file)}. Write the path of a file that can be read.` }
  }
  const parsed = setting.parse(text)
  if ('value' in parsed) return parsed
  return { fault: `${source} names a file whose content is not valid. Write ${parsed.fault}.` }
}

function defaultOf(setting: Setting): unknown {
  if (setting.default === undefined) return undefined
  const parsed = setting.parse(setting.default)
  return 'value' in parsed ? parsed.value : undefined
}

/** A password that stands in a URL by mistake is left out. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, 200).replace(/\/\/[^/]*@/, '//…@'))
}

function derive(given: SettingValues): Config {
  const { tlsCertFile, tlsKeyFile, ...rest } = given
  const tls =
    tlsCertFile !== undefined && tlsKeyFile !== undefined
      ? Object.freeze({ certFile: tlsCertFile, keyFile: tlsKeyFile })
      : undefined
  const scheme = tls ? 'https' : 'http'
  const issuer = given.issuer ?? new URL(`${scheme}://localhost:${given.port}`).origin
  return {
    ...rest,
    tls,
    issuer,
    defaultAudience: given.defaultAudience ?? issuer,
    mtlsIssuer: given.mtlsIssuer ?? onPort(issuer, given.mtlsPort),
    passwordHashConcurrency: given.passwordHashConcurrency ?? availableParallelism(),
    outgoingAllowedNetworks: given.outgoingAllowedNetworks ?? loopbackNetworksOf(issuer),
    ...deriveLeadParts(given),
  }
}

function onPort(issuer: string, port: number | undefined): string | undefined {
  if (port === undefined) return undefined
  const url = new URL(issuer)
  url.protocol = 'https:'
  url.port = String(port)
  return url.origin + (url.pathname === '/' ? '' : url.pathname)
}

/**
 * What the publication lead has to cover besides the max-age of the JWKS. A node that has lost the database goes on serving
 * the JWKS that it knows (keys/out-of-touch.ts), at best until the last token of it has expired. A lead of a few seconds is
 * for tests: it has no room for a node that is out of touch, but must not take one for it that waits for the processor.
 */
function deriveLeadParts(given: SettingValues) {
  const spareSeconds = given.keyPublicationLeadSeconds - given.jwksMaxAgeSeconds
  const clockSkewSeconds =
    given.clockSkewSeconds ?? Math.min(10, Math.max(1, Math.floor(spareSeconds / 2)))
  const leftSeconds = spareSeconds - clockSkewSeconds
  const forStaleness = leftSeconds - (given.verifierCacheSeconds ?? 0)
  const keyStalenessSeconds = given.keyStalenessSeconds ?? Math.min(60, Math.max(10, forStaleness))
  const longestTokenSeconds = Math.max(given.accessTokenTtlSeconds, given.idTokenTtlSeconds)
  const forCaches = leftSeconds - keyStalenessSeconds - longestTokenSeconds
  const verifierCacheSeconds = given.verifierCacheSeconds ?? Math.max(0, forCaches)
  return { clockSkewSeconds, keyStalenessSeconds, verifierCacheSeconds }
}

function describe(faults: readonly string[]): string {
  const count = faults.length === 1 ? 'a fault' : `${faults.length} faults`
  return `The configuration has ${count}:\n${faults.map((fault) => `- ${fault}`).join('\n')}`
}
