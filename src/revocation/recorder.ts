/** Writes down that nothing counts from before an instant, with what it ends and who did it, all in one transaction. */
import type { AuditStore } from '../audit/store.ts'
import type { Clock } from '../database/clock.ts'
import type { Database, Queryable } from '../database/database.ts'
import { retryDeadlocks } from '../database/retry.ts'
import { notBeforeOf, type RevocationSubject } from '../verifier/not-before.ts'
import { createEndingStore, type EndingStore } from './ending-store.ts'
import type { RevocationStore } from './store.ts'

/** Who does it and why, for the audit. */
export interface Act {
  /** `ada@laptop` who types it, `user:SUB` who signs out, `client:ID` by an endpoint, or `server` by itself. */
  actor: string
  reason?: string | undefined
}

/** How many of each a revocation has ended, besides access tokens; by the names they have in the audit. */
export interface Ended {
  sessions?: number
  codes?: number
  refresh_tokens?: number
  authorization_requests?: number
}

export interface Revoked {
  at: Date
  /** What was issued before it counts no more. */
  notBefore: Date
  ended: Ended
}

export interface Recording {
  subject: RevocationSubject
  /** Such as `users.revoke`. */
  action: string
  act: Act
  /** By how much later than it happens nothing counts: for what never comes back. */
  marginSeconds?: number
  /** What is changed before, in the same transaction, and decides what is issued from then on. */
  first?: ((transaction: Queryable) => Promise<unknown>) | undefined
  /** What else ends at that instant, in the same transaction; of the second time only the effect counts. */
  end?: (at: Date, endings: EndingStore, transaction: Queryable) => Promise<Ended>
}

export interface Recorder {
  record(recording: Recording): Promise<Revoked>
  /**
   * The same for what goes on to get tokens. Whoever issues reads its clock, then what it issues from. Who did not see yet
   * that it has ended read its clock before we read ours anew, so that when this is still in the same second, the record
   * covers what they issue; else it is recorded again. There is no lock on the issuing side.
   */
  recordForAll(recording: Recording): Promise<Revoked>
}

/** How much longer than `exp` a verifier may accept a token at most, its clock being off (@claviger/verifier refuses more). */
const verifierToleranceSeconds = 60

export function createRecorder({
  database,
  store,
  audit,
  clock,
  longestTokenSeconds,
}: {
  database: Database
  store: Pick<RevocationStore, 'append'>
  audit: Pick<AuditStore, 'record'>
  clock: Pick<Clock, 'databaseNow'>
  /** How long a token issued now can live at most: afterwards its record is useless. */
  longestTokenSeconds: () => Promise<number>
}): Recorder {
  async function write(
    { subject, act, marginSeconds = 0, first, end }: Recording,
    also: (revoked: Revoked, transaction: Queryable) => Promise<void>,
  ): Promise<Revoked> {
    const aliveSeconds = (await longestTokenSeconds()) + verifierToleranceSeconds
    const at = await clock.databaseNow()
    const seconds = notBeforeOf(at) + marginSeconds
    const notBefore = new Date(seconds * 1000)
    const expiresAt = new Date((seconds + aliveSeconds) * 1000)
    const { reason } = act
    // Who deletes a client meanwhile holds it, and waits for its sessions' rows; who ends them, the other way round.
    return retryDeadlocks(() =>
      database.transaction(async (transaction) => {
        await first?.(transaction)
        const ended = (await end?.(at, createEndingStore(transaction), transaction)) ?? {}
        const record = { ...subject, notBefore: seconds, expiresAt, reason, revokedAt: at }
        await store.append(record, transaction)
        const revoked = { at, notBefore, ended }
        await also(revoked, transaction)
        return revoked
      }),
    )
  }

  const record = (recording: Recording): Promise<Revoked> =>
    write(recording, ({ at, notBefore, ended }, transaction) => {
      const { subject, action, act } = recording
      return audit.record(
        {
          at,
          action,
          subject: subject.id || subject.kind,
          actor: act.actor,
          reason: act.reason ?? null,
          details: { not_before: notBefore, ended },
        },
        transaction,
      )
    })

  return {
    record,
    async recordForAll(recording) {
      const revoked = await record(recording)
      const { first, ...rest } = recording
      // Until `first` could be seen, things were issued from what it has changed, later than `at`.
      if (!first && (await clock.databaseNow()) < revoked.notBefore) return revoked
      const again = await write(rest, async () => {})
      return { ...again, ended: revoked.ended }
    },
  }
}
