/** Who types a command and why, for the audit. */
import { hostname, userInfo } from 'node:os'

export const reasonOption = ['--reason <text>', 'why, for the audit'] as const

export function actor(): string {
  return `${userName()}@${hostname()}`
}

/** A container may run as a user without a name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`
  }
}
