-- Authorization requests that wait for a person (login, consent), by the hash of their request_uri.
create table authorization_requests (
  request_hash bytea primary key,
  client_id text not null references clients on delete cascade,
  parameters jsonb not null, -- [[name, value], ...] as received
  created_at timestamptz not null,
  expires_at timestamptz not null,
  decision text check (decision in ('allowed', 'denied')), -- the answer on the consent page
  decided_by text, -- the sub of who gave it
  check ((decision is null) = (decided_by is null))
);

create index authorization_requests_by_expiry on authorization_requests (expires_at);

-- Authorization codes. A used one stays until it expires, so that a replay is recognised (RFC 6749 section 4.1.2).
create table authorization_codes (
  code_hash bytea primary key,
  grant_id uuid not null,
  client_id text not null references clients on delete cascade,
  sub text not null references users on delete cascade,
  sid text not null,
  redirect_uri text, -- null: the request had none and the client's only one was used
  scope text[] not null,
  resources text[] not null,
  nonce text,
  code_challenge text,
  auth_time timestamptz not null,
  amr text[] not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  consumed_at timestamptz
);

create index authorization_codes_by_expiry on authorization_codes (expires_at);
