/** Makes the changes of a plan, with keys that were generated beforehand. */
import type { KeyChange } from './plan.ts'
import type { FreshKey } from './signer.ts'
import type { SigningKeyChanges } from './store.ts'
import type { SigningAlg } from '../protocol/signing-algs.ts'

/** A change that was made. In a dry run a key that would be published has no kid yet. */
export type MadeChange = KeyChange & { kid: string | undefined }

export function withKid(change: KeyChange): MadeChange {
  return change.change === 'publish' ? { ...change, kid: undefined } : change
}

/** Makes nothing and answers undefined when the supply does not hold a key for everything to publish. */
export async function makeAll(
  changes: SigningKeyChanges,
  planned: readonly KeyChange[],
  supply: readonly FreshKey[],
): Promise<MadeChange[] | undefined> {
  if (withoutKeys(planned, supply).length > 0) return undefined
  const left = [...supply]
  const made: MadeChange[] = []
  for (const change of planned) {
    if (change.change === 'publish') {
      const [key] = left.splice(
        left.findIndex(({ alg }) => alg === change.alg),
        1,
      )
      await changes.insert({ ...key!, ...change })
      made.push({ ...change, kid: key!.kid })
    } else {
      await changes.apply(change)
      made.push(change)
    }
  }
  return made
}

/** The algorithms of keys to publish for which the supply holds none. */
export function withoutKeys(
  changes: readonly KeyChange[],
  supply: readonly FreshKey[],
): SigningAlg[] {
  const left = supply.map(({ alg }) => alg)
  const missing: SigningAlg[] = []
  for (const { change, alg } of changes) {
    if (change !== 'publish') continue
    const at = left.indexOf(alg)
    if (at < 0) missing.push(alg)
    else left.splice(at, 1)
  }
  return missing
}
