/** SQL of pairwise subjects. */
import type { Queryable } from '../database/database.ts'

/**
 * SQL that writes down a user's subject, if it is one and new. It holds the user meanwhile, as a revocation does: that either
 * finds the subject, or has ended before anything is issued in its name.
 */
export const recordSubject = (subject: string, sub: string) => `
  insert into pairwise_subjects (subject, sub)
  select ${subject}, u.sub from users u
  where u.sub = ${sub} and ${subject} is not null
    and not exists (select from pairwise_subjects p where p.subject = ${subject})
  for share of u
  on conflict (subject) do nothing`

export function createSubjectStore(database: Queryable) {
  return {
    async record(subject: string, sub: string): Promise<void> {
      await database.query(recordSubject('$1::text', '$2::text'), [subject, sub])
    },
  }
}

export type SubjectStore = ReturnType<typeof createSubjectStore>
