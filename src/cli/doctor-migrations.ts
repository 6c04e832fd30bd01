/** Which migrations the database lacks, or has from a newer release. */
import { readdir } from 'node:fs/promises'
import { migrationsDirectory } from '../database/open.ts'
import type { Problem } from './doctor.ts'

export interface Migrations {
  applied: string[]
  pending: string[]
  /** Applied by a newer release. */
  unknown: string[]
}

export async function compareMigrations(applied: string[]): Promise<Migrations> {
  const files = await readdir(migrationsDirectory)
  const ours = files.filter((name) => name.endsWith('.sql')).toSorted()
  return {
    applied,
    pending: ours.slice(applied.length),
    unknown: applied.slice(ours.length),
  }
}

export function describeMigrations({ applied, pending }: Migrations): string {
  const last = applied.at(-1)
  const state = pending.length === 0 ? 'up to date' : `pending: ${pending.join(', ')}`
  return `${applied.length} applied${last === undefined ? '' : `, the last is ${last}`}; ${state}`
}

export function findMigrationProblems({ pending, unknown }: Migrations): Problem[] {
  const sentences = [
    pending.length > 0 &&
      `The database lacks ${pending.join(', ')}. Type: claviger migrate (every start does so too)`,
    unknown.length > 0 &&
      `A newer release has applied ${unknown.join(', ')}. Finish updating: this release is older.`,
  ]
  return sentences
    .filter((message) => message !== false)
    .map((message) => ({ code: 'migrations', message }))
}
