/**
 * How old what we know may be at most. A document says `as_of`, an instant of the issuer's clock; this turns it into
 * an age without believing that whatever arrives now was said now:
 *
 * - A document that we asked for was signed after we asked, or little before (`keptMilliseconds`: the issuer signs each
 *   once a second, for all who ask). So the issuer's clock is ahead of our monotonic one by `clock + kept - sentAt` at
 *   most. The last poll says so; it errs by what it was kept and its round trip, towards an age too high.
 * - No document arrives before it was signed, so the issuer's clock is ahead by `clock - receivedAt` at least. That
 *   holds for whatever comes, and an answer that says less is known for an old one, from a cache or replayed, and
 *   measures nothing. It is forgotten after some minutes, so that an issuer whose clock was wrong is believed again.
 * - A document on a stream may have been held up for any time. Its age is counted from its `as_of` by the measured
 *   clock, never from its arrival, so that one held up for a minute is a minute old.
 * - Does a stream show the clock further ahead than measured, then this machine slept (a monotonic clock may stand
 *   still meanwhile) or the measure was wrong: nothing counts as known until a poll has measured again.
 * - The wall clock may only raise doubt: where it says, or how far it went on says, that more time has passed than
 *   measured, within its tolerance, that counts. A wrong one makes what is known look older than it is, never younger.
 *
 * Each `as_of` is kept as the monotonic instant up to which everything is known, and that never goes back.
 */

export interface Freshness {
  /** `sentAt`: when the document was asked for, by the monotonic clock; undefined on a stream. */
  learn(document: { clock: number; as_of?: number }, sentAt?: number): void
  /** Undefined while nothing is known. */
  ageMilliseconds(): number | undefined
  /** The issuer's clock: it shows at least this. */
  issuerMilliseconds(): number
  /** How far the wall clock is ahead of the issuer's, but for the way of a document. Undefined before the first. */
  clockErrorMilliseconds(): number | undefined
}

/** What a verifier's wall clock may be wrong by, as for the instants in tokens. */
export const wallClockToleranceMilliseconds = 5_000
/** More than two clocks part by between two polls: NTP slews by 500 ppm at most. */
const jumpMilliseconds = 1_000
const memoryMilliseconds = 600_000

export function createFreshness({
  now,
  monotonic,
  keptMilliseconds,
}: {
  now: () => number
  monotonic: () => number
  /** How long before it was asked for a document may have been signed. */
  keptMilliseconds: number
}): Freshness {
  /** How far the issuer's clock is ahead of the monotonic one: by the last poll at most … */
  let atMost: number | undefined
  /** … and at least, by any document of this stretch of time, or of the one before. */
  let atLeast = { since: -Infinity, now: -Infinity, before: -Infinity }
  let known: { until: number; byWallClock: number } | undefined

  const lowest = () => Math.max(atLeast.now, atLeast.before)
  const offset = () => (atMost === undefined ? undefined : Math.max(atMost, lowest()))

  function learnClock(clock: number, receivedAt: number, sentAt: number | undefined): void {
    const believed = offset()
    if (believed !== undefined && clock - receivedAt > believed + jumpMilliseconds) {
      known = undefined
      atMost = undefined
    }
    if (receivedAt - atLeast.since >= memoryMilliseconds)
      atLeast = { since: receivedAt, now: -Infinity, before: atLeast.now }
    atLeast.now = Math.max(atLeast.now, clock - receivedAt)
    const measured = clock + keptMilliseconds - (sentAt ?? Infinity)
    if (measured >= lowest()) atMost = measured
  }

  return {
    learn({ clock, as_of: asOf }, sentAt) {
      learnClock(clock, monotonic(), sentAt)
      const ahead = offset()
      if (asOf === undefined || ahead === undefined) return
      const until = Math.min(asOf, clock) - ahead
      if (known !== undefined && until <= known.until) return
      known = { until, byWallClock: Math.min(asOf, now() - (monotonic() - until)) }
    },
    ageMilliseconds() {
      if (known === undefined) return undefined
      const ageByWallClock = now() - wallClockToleranceMilliseconds - known.byWallClock
      return Math.max(0, monotonic() - known.until, ageByWallClock)
    },
    issuerMilliseconds: () => monotonic() + lowest(),
    clockErrorMilliseconds: () =>
      Number.isFinite(lowest()) ? now() - monotonic() - lowest() : undefined,
  }
}
