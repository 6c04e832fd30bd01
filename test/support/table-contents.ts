/** What the database holds, to see that a refused request has left no trace. */
import type { Queryable } from '../../src/database/database.ts'

/** The number of rows and a hash of them by table, but for those named in `except`. */
export async function tableContents(
  database: Queryable,
  { except = [] }: { except?: readonly string[] } = {},
): Promise<Record<string, string>> {
  const tables = await database.query<{ name: string }>(
    `select table_name as name from information_schema.tables
     where table_schema = 'public' order by table_name`,
  )
  const statements = tables
    .filter(({ name }) => !except.includes(name))
    .map(
      ({ name }) =>
        `select '${name}' as name, count(*) || ' ' || coalesce(md5(string_agg(t::text, '' order by t::text)), '')
           as contents from ${name} t`,
    )
  const rows = await database.query<{ name: string; contents: string }>(
    statements.join(' union all '),
  )
  return Object.fromEntries(rows.map(({ name, contents }) => [name, contents]))
}
