/** How changes of signing keys stand in the audit: one event per algorithm, named after the key that it is about. */
import type { AuditEvent } from '../audit/store.ts'
import type { MadeChange } from './make-changes.ts'

export interface AuditedAct {
  action: string
  actor: string
  reason?: string | null | undefined
}

export function toAuditEvents(
  act: AuditedAct,
  changes: readonly MadeChange[],
  at: Date,
): AuditEvent[] {
  return [...new Set(changes.map(({ alg }) => alg))].map((alg) => {
    const own = changes.filter((change) => change.alg === alg)
    return {
      at,
      action: act.action,
      subject: subjectOf(own),
      actor: act.actor,
      reason: act.reason ?? null,
      details: { alg, changes: own.map(toDetails) },
    }
  })
}

/** The key that is revoked, else the one that signs from now on, else the one that is published. */
function subjectOf(changes: readonly MadeChange[]): string {
  const main =
    changes.find(({ change }) => change === 'revoke') ??
    changes.find((change) => 'activatedAt' in change && change.activatedAt) ??
    changes[0]
  return main?.kid ?? ''
}

function toDetails(change: MadeChange): Record<string, unknown> {
  const { change: kind, kid } = change
  if (change.change === 'publish') return { change: kind, kid, signs_from: change.signsFrom }
  if (change.change === 'retire') return { change: kind, kid, leaves_jwks_at: change.leavesJwksAt }
  return { change: kind, kid }
}
