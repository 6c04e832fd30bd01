/** Writes down that nothing counts from before an instant, with what it ends and who did it, all in one transaction. */
import type { AuditStore } from '../audit/store.ts'
import type { Clock } from '../database/clock.ts'
import type { Database, Queryable } from '../database/database.ts'
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

/** Part of a transaction: what to end at that instant. */
export type End<Result> = (at: Date, store: EndingStore, transaction: Queryable) => Promise<Result>

export interface Recording {
  subject: RevocationSubject
  action: string
  act: Act
  marginSeconds?: number
  end?: End<Ended>
}

export interface Recorder {
  end<Result>(work: End<Result>): Promise<Result>
  record(recording: Recording): Promise<Revoked>
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
  return {
    async end(work) {
      const at = await clock.databaseNow()
      return database.transaction((transaction) =>
        work(at, createEndingStore(transaction), transaction),
      )
    },

    async record({ subject, action, act: { actor, reason }, marginSeconds = 0, end }) {
      const aliveSeconds = (await longestTokenSeconds()) + verifierToleranceSeconds
      const at = await clock.databaseNow()
      const seconds = notBeforeOf(at) + marginSeconds
      const notBefore = new Date(seconds * 1000)
      const expiresAt = new Date((seconds + aliveSeconds) * 1000)
      return database.transaction(async (transaction) => {
        const ended = (await end?.(at, createEndingStore(transaction), transaction)) ?? {}
        await store.append(
          { ...subject, notBefore: seconds, expiresAt, reason, revokedAt: at },
          transaction,
        )
        await audit.record(
          {
            at,
            action,
            subject: subject.id || subject.kind,
            actor,
            reason: reason ?? null,
            details: { not_before: notBefore, ended },
          },
          transaction,
        )
        return { at, notBefore, ended }
      })
    },
  }
}
