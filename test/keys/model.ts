/** The signing_keys table as a value, so that plans can be carried out without a database. */
import { applyChanges, type KeyChange } from '../../src/keys/plan.ts'
import { keyState, type KeyTimes } from '../../src/keys/schedule.ts'
import { signingAlgs } from '../../src/protocol/signing-algs.ts'

/** Carries changes out on rows in memory, under the table's own constraints. */
export function carryOut(
  keys: readonly KeyTimes[],
  changes: readonly KeyChange[],
  newKid: () => string,
): KeyTimes[] {
  return changes.reduce<KeyTimes[]>(
    (rows, change) => {
      const changed = applyChanges(rows, [change], newKid)
      assertUnique(changed)
      return changed
    },
    [...keys],
  )
}

export function assertUnique(rows: readonly KeyTimes[]): void {
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
