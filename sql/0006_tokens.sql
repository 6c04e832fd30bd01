-- A refresh token family: what one grant gave. The tokens themselves are (id, generation, MAC) and not stored.
create table refresh_families (
  grant_id uuid primary key,
  client_id text not null references clients on delete cascade,
  sub text not null references users on delete cascade,
  sid text not null,
  scope text[] not null,
  resources text[] not null,
  auth_time timestamptz not null,
  amr text[] not null,
  generation integer not null,
  rotated_at timestamptz not null, -- when this generation was made
  created_at timestamptz not null,
  idle_expires_at timestamptz not null, -- pushed on by every rotation
  expires_at timestamptz not null, -- never pushed on
  revoked_at timestamptz
);

create index refresh_families_by_sub on refresh_families (sub);
create index refresh_families_by_revocation on refresh_families (revoked_at) where revoked_at is not null;
create index refresh_families_by_expiry on refresh_families (least(idle_expires_at, expires_at));

-- Client assertions that were used (RFC 7523 section 3, jti), so that none works twice on any node.
create table used_assertions (
  assertion_hash bytea primary key, -- SHA-256 of client_id and jti
  expires_at timestamptz not null
);

create index used_assertions_by_expiry on used_assertions (expires_at);
