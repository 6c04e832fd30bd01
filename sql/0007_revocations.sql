-- The longest lifetimes that tokens are issued with, and until when such a token may be alive. Revocations and retired
-- keys matter that long, also after a lifetime was made shorter.
create table token_lifetimes (
  lifetime_seconds integer primary key,
  alive_until timestamptz not null
);

-- What no longer counts: a token of (kind, id) with iat < not_before is refused. A row is useless, and removed,
-- once the longest-lived access token from before it has expired.
create table revocations (
  kind text not null check (kind in ('everything', 'key', 'client', 'user', 'session', 'grant', 'token')),
  id text not null,
  not_before timestamptz not null, -- whole seconds
  expires_at timestamptz not null,
  cursor bigint not null, -- grows with every append or change, in commit order
  reason text,
  revoked_at timestamptz not null,
  primary key (kind, id)
);

create sequence revocations_cursor owned by revocations.cursor;
create unique index revocations_by_cursor on revocations (cursor);
create index revocations_by_expiry on revocations (expires_at);
