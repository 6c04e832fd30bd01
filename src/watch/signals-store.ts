/** The signals table, filled from token_events. Several nodes may look at the same time: one row a subject and window. */
import type { Queryable } from '../database/database.ts'

export const signalKinds = [
  'refresh-reuse',
  'code-reuse',
  'several-networks',
  'many-refusals',
] as const

export type SignalKind = (typeof signalKinds)[number]

export interface Signal {
  kind: SignalKind
  subject_kind: 'grant' | 'session' | 'token' | 'network'
  subject: string
  first_at: Date
  last_at: Date
  count: number
  /** Networks, users, clients and types of events, ten of each at most. */
  details: Readonly<Record<string, readonly string[]>>
}

export interface Search {
  /** Events from then on are looked at. */
  since: Date
  windowSeconds: number
  /** A count up to this is no signal. */
  most: number
  retentionSeconds: number
}

export interface SignalStore {
  /** Looks for one kind; answers those that nobody has seen before. */
  detect(kind: SignalKind, search: Search): Promise<Signal[]>
  /** The latest, the oldest of them first. */
  list(filter: { since: Date; limit: number }): Promise<Signal[]>
}

const columns = 'kind, subject_kind, subject, first_at, last_at, count, details'

/** One row a window: each window's events are counted by themselves. */
const reuseOf = (type: 'refresh.reused' | 'code.reused') => `
  select 'grant' as subject_kind, grant_id as subject, count(*) as count, ${detailsOf('network', 'sub', 'client_id')}
  from token_events
  where type = '${type}' and at >= $1 and grant_id is not null
  group by grant_id, date_bin(make_interval(secs => $2), at, 'epoch')
  having count(*) > $3`

/** What each kind looks for, from $1 on; more than $3 is a signal. The window of $2 seconds goes along with the clock. */
const findings: Record<SignalKind, string> = {
  'refresh-reuse': reuseOf('refresh.reused'),
  'code-reuse': reuseOf('code.reused'),

  // A browser uses its session; whoever holds them uses tokens and grants, which may be a client's own servers.
  'several-networks': `
    select used.kind as subject_kind, used.id as subject, count(distinct network) as count,
      ${detailsOf('network', 'sub', 'client_id')}
    from token_events
    cross join lateral (values
      ('session', case when type = 'session.used' then sid end),
      ('token', case when type in ('token.issued', 'token.used') then jti end),
      ('grant', case when type in ('token.issued', 'token.used', 'refresh.reused') then grant_id end)
    ) as used (kind, id)
    where at >= $1 and sid is not null and network <> 'unknown' and used.id is not null
    group by used.kind, used.id
    having count(distinct network) > $3`,

  // Introspection tells the network of an API, which has done nothing wrong by asking.
  'many-refusals': `
    select 'network' as subject_kind, network as subject, count(*) as count, ${detailsOf('type', 'sub', 'client_id')}
    from token_events
    where type in ('token.refused', 'login.failed', 'client.refused') and at >= $1 and network <> 'unknown'
      and not (type = 'token.refused' and details ->> 'endpoint' = 'introspect')
    group by network
    having count(*) > $3`,
}

function detailsOf(...names: string[]): string {
  const lists = names.map(
    (name) => `'${name}', (array_remove(array_agg(distinct ${name}), null))[1:10]`,
  )
  return `min(at) as first_at, max(at) as last_at, jsonb_build_object(${lists.join(', ')}) as details`
}

export function createSignalStore(database: Queryable): SignalStore {
  return {
    async detect(kind, { since, windowSeconds, most, retentionSeconds }) {
      // In order, so that two nodes do not wait for each other; xmax is 0 in a row that was not there.
      const rows = await database.query<Signal & { is_new: boolean }>(
        `insert into signals as known
           (kind, subject_kind, subject, window_at, first_at, last_at, count, details, expires_at)
         select $4, subject_kind, subject, date_bin(make_interval(secs => $2), last_at, 'epoch'),
           first_at, last_at, count, details, last_at + make_interval(secs => $5)
         from (${findings[kind]}) as found
         order by subject_kind, subject, last_at
         on conflict (kind, subject_kind, subject, window_at) do update
           set last_at = excluded.last_at, count = greatest(known.count, excluded.count),
             details = excluded.details, expires_at = excluded.expires_at
           where excluded.last_at > known.last_at or excluded.count > known.count
         returning ${columns}, xmax = 0 as is_new`,
        [since, windowSeconds, most, kind, retentionSeconds],
      )
      return rows.flatMap(({ is_new: isNew, ...signal }) => (isNew ? [signal] : []))
    },

    async list({ since, limit }) {
      const rows = await database.query<Signal>(
        `select ${columns}
         from signals
         where last_at >= $1
         order by last_at desc, kind, subject_kind, subject
         limit $2`,
        [since, limit],
      )
      return rows.toReversed()
    },
  }
}
