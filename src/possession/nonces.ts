/** Nonces for DPoP proofs (RFC 9449 §8), made of the server's secret and the time: every node accepts those of any other. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../database/clock.ts'

/** A nonce is good until the span after its own ends. */
const spanSeconds = 300

export interface Nonces {
  /** The one to put into the next proof. */
  issue(): string
  accepts(nonce: string): boolean
}

export function createNonces({ key, clock }: { key: Buffer; clock: Pick<Clock, 'now'> }): Nonces {
  const currentSpan = () => Math.floor(clock.now().getTime() / 1000 / spanSeconds)
  const nonceOf = (span: number) =>
    createHmac('sha256', key).update(String(span)).digest('base64url')

  return {
    issue: () => nonceOf(currentSpan()),
    accepts(nonce) {
      const span = currentSpan()
      // The next one: of a node whose clock is ahead.
      return [span, span - 1, span + 1].some((one) => isSame(nonce, nonceOf(one)))
    },
  }
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
