/** Looks into a JWT and tells, check by check, whether it counts here: the last word is that of the endpoints. */
import type { VerificationKey } from '../keys/keyring.ts'
import { verifyOwnToken } from '../keys/own-tokens.ts'
import { isPlainObject, type JsonObject } from '../protocol/json.ts'
import type { RevocationStore } from '../revocation/store.ts'
import type { Account } from '../users/accounts.ts'
import { originOf } from '../tokens/own-tokens.ts'
import { isRevoked, revocationSubjects, type NotBefore } from '../verifier/not-before.ts'
import { localTime, whenAndHow } from './time.ts'

interface Check {
  name: string
  passed: boolean
  text: string
}

export interface TokenReport {
  kind: TokenKind
  valid: boolean
  header: JsonObject | undefined
  payload: JsonObject | undefined
  key: ReportedKey | undefined
  revokedBy: NotBefore[]
  /** Whom it is about, if it is ours and they still are. */
  account: Account | undefined
  checks: Check[]
}

type TokenKind = 'access_token' | 'id_token' | 'unknown'

interface Decoded {
  header: JsonObject
  payload: JsonObject
}

export interface ReportedKey extends VerificationKey {
  kid: string
  /** When it came into its state. */
  since: Date
  revocationReason: string | null
}

export interface ReportDependencies {
  issuer: string
  now: Date
  keys: readonly ReportedKey[]
  revocations: Pick<RevocationStore, 'find'>
  findAccount: (subject: string) => Promise<Account | undefined>
}

/** When nothing lies in the future. */
const latest = new Date(8.64e15)

const kinds = new Map<string, TokenKind>([
  ['at+jwt', 'access_token'], // RFC 9068 §2.1
  ['JWT', 'id_token'],
])

export async function reportOn(
  token: string,
  { issuer, now, keys, revocations, findAccount }: ReportDependencies,
): Promise<TokenReport> {
  const [header, payload] = token.split('.').map(decode)
  const find = (kid: string) => keys.find((one) => one.kid === kid)
  const verdict = await verifyOwnToken({ find }, token, { typ: [...kinds.keys()], issuer, now })
  if (!header || !payload) {
    const text = verdict.valid ? '' : verdict.detail
    const checks = [{ name: 'form', passed: false, text }]
    const unknown = { key: undefined, revokedBy: [], account: undefined }
    return { kind: 'unknown', valid: false, header, payload, ...unknown, checks }
  }
  const decoded = { header, payload }
  const key = find(String(header['kid']))
  const revokedBy = await findRevocations(decoded, revocations)
  const signature = key && (await checkSignature(token, decoded, key))
  const checks = [
    checkType(header),
    checkKey(header, key),
    ...(signature ? [signature] : []),
    checkIssuer(payload, issuer),
    ...checkTimes(payload, now),
    checkRevocations(payload, revokedBy),
  ]
  return {
    kind: kinds.get(String(header['typ'])) ?? 'unknown',
    valid: verdict.valid && checks.every(({ passed }) => passed),
    header,
    payload,
    key,
    revokedBy,
    account: signature?.passed ? await findAccount(String(payload['sub'])) : undefined,
    checks,
  }
}

function checkType({ typ }: JsonObject): Check {
  const what = {
    access_token: 'an access token',
    id_token: 'an ID token',
    unknown: 'neither an access token (at+jwt) nor an ID token (JWT)',
  }
  const kind = kinds.get(String(typ)) ?? 'unknown'
  return { name: 'type', passed: kind !== 'unknown', text: what[kind] }
}

function checkKey({ kid }: JsonObject, key: ReportedKey | undefined): Check {
  const name = 'key'
  if (!key) return { name, passed: false, text: `${JSON.stringify(kid)} is no key of this issuer` }
  const { alg, state, since, revocationReason: reason } = key
  const what = state === 'gone' ? 'gone from the JWKS' : state
  const why = reason === null ? '' : `: ${reason}`
  return {
    name,
    passed: state !== 'revoked' && state !== 'gone',
    text: `${key.kid} (${alg}), ${what} since ${localTime(since)}${why}`,
  }
}

/** Of the signature alone, whatever has become of the key and of the token since. */
async function checkSignature(
  token: string,
  { header, payload }: Decoded,
  key: VerificationKey,
): Promise<Check> {
  const verdict = await verifyOwnToken({ find: () => ({ ...key, state: 'signing' }) }, token, {
    typ: String(header['typ']),
    issuer: String(payload['iss']),
    now: latest,
    allowExpired: true,
  })
  return {
    name: 'signature',
    passed: verdict.valid,
    text: verdict.valid ? 'good' : verdict.detail,
  }
}

function checkIssuer({ iss }: JsonObject, issuer: string): Check {
  const passed = iss === issuer
  const text = passed ? issuer : `${JSON.stringify(iss)}, and this is ${issuer}`
  return { name: 'issuer', passed, text }
}

function checkTimes({ exp, nbf }: JsonObject, now: Date): Check[] {
  const expiry = toDate(exp)
  const start = toDate(nbf)
  return [
    {
      name: 'expiry',
      passed: expiry !== undefined && expiry > now,
      text: expiry ? whenAndHow(expiry, now) : 'none is given',
    },
    ...(start && start > now
      ? [{ name: 'not before', passed: false, text: whenAndHow(start, now) }]
      : []),
  ]
}

function checkRevocations({ iat }: JsonObject, revokedBy: readonly NotBefore[]): Check {
  const name = 'revocation'
  if (typeof iat !== 'number') return { name, passed: false, text: 'unknown, as there is no iat' }
  const sentences = revokedBy.map(({ kind, id, notBefore }) => {
    const whose = kind === 'everything' ? '' : ` of the ${kind} ${id}`
    return `nothing${whose} from before ${localTime(new Date(notBefore * 1000))} counts`
  })
  return { name, passed: sentences.length === 0, text: sentences.join('\n') || 'none' }
}

async function findRevocations(
  { header, payload }: Decoded,
  revocations: Pick<RevocationStore, 'find'>,
): Promise<NotBefore[]> {
  if (typeof payload['iat'] !== 'number') return []
  const origin = originOf(header, payload)
  const records = await revocations.find(revocationSubjects(origin))
  return records.filter((record) => isRevoked(origin, [record]))
}

export function toDate(seconds: unknown): Date | undefined {
  const date = typeof seconds === 'number' ? new Date(seconds * 1000) : undefined
  return date && Number.isFinite(date.getTime()) ? date : undefined
}

function decode(part: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return isPlainObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
