/** The signing_keys table as a value, so that plans can be carried out without a database. */
import type { KeyChange } from '../../src/keys/plan.ts'
import { keyState, type KeyTimes } from '../../src/keys/schedule.ts'
import { signingAlgs } from '../../src/protocol/signing-algs.ts'

/** Carries changes out on rows in memory, under the table's own constraints. */
export function carryOut(
  keys: readonly KeyTimes[],
  changes: readonly KeyChange[],
  newKid: () => string,
): KeyTimes[] {
  let rows = [...keys]
  for (const change of changes) {
    if (change.change === 'publish') {
      const { alg, publishedAt, signsFrom, activatedAt } = change
      const unset = { retiredAt: null, leavesJwksAt: null, revokedAt: null }
      rows.push({ kid: newKid(), alg, publishedAt, signsFrom, activatedAt, ...unset })
    } else {
      rows = rows.map((row) => (row.kid === change.kid ? { ...row, ...change } : row))
    }
    assertUnique(rows)
  }
  return rows
}

function assertUnique(rows: readonly KeyTimes[]): void {
  for (const alg of signingAlgs) {
    const live = rows.filter((row) => row.alg === alg && !row.revokedAt)
    const signing = live.filter((row) => row.activatedAt && !row.retiredAt)
    const next = live.filter((row) => !row.activatedAt)
    if (signing.length > 1) throw new Error(`${signing.length} keys sign with ${alg}`)
    if (next.length > 1) throw new Error(`${next.length} keys are next for ${alg}`)
  }
}

export function counter(): () => string {
  let count = 0
  return () => `k${++count}`
}

export function states(keys: readonly KeyTimes[], now: Date): Record<string, string> {
  return Object.fromEntries(keys.map((key) => [key.kid, keyState(key, now)]))
}
