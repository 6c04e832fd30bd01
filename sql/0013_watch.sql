-- What happened to tokens, logins and clients: one row an event, written in batches. No token, secret or address is here.
create table token_events (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  type text not null, -- such as token.issued (docs/watching.md)
  request_id text not null, -- as in the answer and in the log
  network text not null, -- an IPv4 /24, an IPv6 /48, or unknown
  client_id text,
  sub text,
  sid text,
  grant_id text,
  jti text,
  details jsonb not null,
  expires_at timestamptz not null
);

create index token_events_by_instant on token_events (at);
create index token_events_by_type on token_events (type, at);
create index token_events_by_client on token_events (client_id, at) where client_id is not null;
create index token_events_by_sub on token_events (sub, at) where sub is not null;
create index token_events_by_use on token_events (at) where sid is not null; -- what people's tokens and sessions did
create index token_events_by_expiry on token_events (expires_at);

-- What looks like an attack, found in token_events: one row a subject and window. It only tells; nothing is revoked by it.
create table signals (
  kind text not null check (kind in ('refresh-reuse', 'code-reuse', 'several-networks', 'many-refusals')),
  subject_kind text not null check (subject_kind in ('grant', 'session', 'token', 'network')),
  subject text not null,
  window_at timestamptz not null, -- when the window began in which it was last seen
  first_at timestamptz not null,
  last_at timestamptz not null,
  count integer not null,
  details jsonb not null,
  expires_at timestamptz not null,
  primary key (kind, subject_kind, subject, window_at)
);

create index signals_by_instant on signals (last_at);
create index signals_by_expiry on signals (expires_at);
