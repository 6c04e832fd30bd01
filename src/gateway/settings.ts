/** The gateway's settings: one JSON file, checked as a whole before anything listens. */
import { findMemberFaults, listOf, oneOf, quote, scopeToken, shortText } from '../clients/rules.ts'
import { textRule, webUri, wholeNumber, type Fault, type Rule } from '../clients/rules.ts'
import { hintFor } from '../protocol/did-you-mean.ts'
import { isPlainObject, type JsonObject } from '../protocol/json.ts'
import { Refusal } from '../protocol/refusal.ts'
import { findPathFault, type AccessRule } from './rules.ts'

export interface GatewaySettings {
  issuer: string
  /** What a token's `aud` must have one of. */
  audience: string | string[]
  rules: AccessRule[]
  host: string
  port: number
  /** Where clients reach the services, for DPoP proofs (RFC 9449) and the metadata of RFC 9728. */
  publicUrl: string
  /** How the feed is read: as this client, without being one, or not at all. */
  revocations: { clientId: string; clientSecretFile: string } | 'public' | 'off'
  maxFeedAgeSeconds: number
  whenStale: 'refuse' | 'accept'
  clockToleranceSeconds: number
}

interface SettingsFile {
  issuer: string
  audience: string | string[]
  rules: AccessRule[]
  revocations: { client_id: string; client_secret_file: string } | 'public' | 'off'
  host?: string
  port?: number
  public_url?: string
  max_feed_age_seconds?: number
  when_stale?: 'refuse' | 'accept'
  clock_tolerance_seconds?: number
}

const methodNames = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const text = shortText(1000)
const required = ['issuer', 'audience', 'revocations', 'rules']

const memberRules: Record<keyof SettingsFile, Rule> = {
  issuer: webUri,
  audience: (name, value) => (Array.isArray(value) ? listOf(text)(name, value) : text(name, value)),
  rules: (name, value) => listOf(accessRule, 1000)(name, value) ?? findEmpty(name, value),
  revocations: revocationsRule,
  host: shortText(255),
  port: wholeNumber(0, 65_535),
  public_url: webUri,
  max_feed_age_seconds: wholeNumber(1, 3600),
  when_stale: oneOf(['refuse', 'accept']),
  clock_tolerance_seconds: wholeNumber(0, 60),
}

/** Throws a Refusal with every fault. */
export function readGatewaySettings(input: unknown): GatewaySettings {
  if (!isPlainObject(input)) throw new Refusal('Give the settings of the gateway as a JSON object.')
  const missing = required.filter((member) => !Object.hasOwn(input, member))
  const faults = [
    ...missing.map((member) => `${member}: It is missing. Give it.`),
    ...faultsOf(input, memberRules),
  ]
  if (faults.length > 0) throw new Refusal(faults.join(' '))
  const file = input as unknown as SettingsFile // each member passed its rule
  return {
    issuer: file.issuer,
    audience: file.audience,
    rules: file.rules,
    host: file.host ?? '127.0.0.1',
    port: file.port ?? 4180,
    publicUrl: publicUrlOf(file),
    revocations:
      typeof file.revocations === 'string'
        ? file.revocations
        : {
            clientId: file.revocations.client_id,
            clientSecretFile: file.revocations.client_secret_file,
          },
    maxFeedAgeSeconds: file.max_feed_age_seconds ?? 60,
    whenStale: file.when_stale ?? 'refuse',
    clockToleranceSeconds: file.clock_tolerance_seconds ?? 5,
  }
}

function publicUrlOf({ public_url: publicUrl, audience }: SettingsFile): string {
  const url = publicUrl ?? [audience].flat()[0]!
  return URL.canParse(url) ? new URL(url).href.replace(/\/$/, '') : 'http://localhost'
}

function faultsOf(object: JsonObject, rules: Readonly<Record<string, Rule>>): string[] {
  const hint = (member: string) => hintFor(member, Object.keys(rules))
  return findMemberFaults(object, rules, hint).map(({ message }: Fault) => message)
}

const accessRuleMembers: Record<keyof AccessRule, Rule> = {
  path: textRule(findPathFault),
  methods: listOf(oneOf(methodNames)),
  public: (name, value) => (value === true ? undefined : `${name}: Give true, or leave it out.`),
  scopes: listOf(scopeToken),
  claims: (name, value) =>
    isPlainObject(value) && Object.values(value).every(isScalar)
      ? undefined
      : `${name}: Give an object of claims, each with a string, a number, true or false.`,
}

function accessRule(name: string, value: unknown): string | undefined {
  if (!isPlainObject(value) || !Object.hasOwn(value, 'path'))
    return `${name}: Give an object with at least a path.`
  const faults = faultsOf(value, accessRuleMembers)
  if (value.public === true && (value.scopes !== undefined || value.claims !== undefined))
    faults.push('public: A public path needs neither scopes nor claims. Leave one of them out.')
  return faults.length > 0 ? `${name}: ${faults.join(' ')}` : undefined
}

function revocationsRule(name: string, value: unknown): string | undefined {
  if (value === 'public' || value === 'off') return undefined
  if (!isPlainObject(value))
    return `${name}: ${quote(value)} is none. Give {"client_id", "client_secret_file"}, "public" or "off".`
  const rules = { client_id: text, client_secret_file: text }
  const missing = Object.keys(rules).filter((member) => !Object.hasOwn(value, member))
  const faults = [...missing.map((member) => `${member}: Give it.`), ...faultsOf(value, rules)]
  return faults.length > 0 ? `${name}: ${faults.join(' ')}` : undefined
}

function findEmpty(name: string, value: unknown): string | undefined {
  return Array.isArray(value) && value.length === 0
    ? `${name}: Give at least one rule: what matches none is refused.`
    : undefined
}

function isScalar(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value)
}
