/** Which DPoP proofs have been used (RFC 9449 §11.1): bounded, and it never takes a replay for new. */

/** Whether the proof is seen for the first time. It need not be remembered after `expiresAt` (seconds since 1970). */
export type ConsumeProof = (id: string, expiresAt: number) => boolean | Promise<boolean>

/**
 * When it is full it forgets the oldest proofs, and from then on refuses whatever is as old as they were: who makes a
 * new proof for each request does not notice.
 */
export function createProofMemory({
  now,
  maxProofs,
}: {
  /** Milliseconds since 1970. */
  now: () => number
  maxProofs: number
}): (id: string, expiresAt: number) => boolean {
  const idsByExpiry = new Map<number, Set<string>>()
  let count = 0
  let forgottenUpTo = 0

  function forget(expiry: number): void {
    count -= idsByExpiry.get(expiry)?.size ?? 0
    idsByExpiry.delete(expiry)
    forgottenUpTo = Math.max(forgottenUpTo, expiry)
  }

  return (id, expiresAt) => {
    const expiry = Math.ceil(expiresAt)
    const second = Math.floor(now() / 1000)
    for (const earlier of idsByExpiry.keys()) if (earlier < second) forget(earlier)
    if (expiry <= forgottenUpTo) return false
    const ids = idsByExpiry.get(expiry) ?? new Set()
    if (ids.has(id)) return false
    idsByExpiry.set(expiry, ids.add(id))
    count += 1
    if (count > maxProofs) forget(Math.min(...idsByExpiry.keys()))
    return true
  }
}
