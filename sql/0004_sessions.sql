-- A person signed in with one browser. The cookie carries a secret of which only the hash is here.
create table sessions (
  session_hash bytea primary key, -- SHA-256 of the cookie's secret
  sid text not null, -- the public session id that tokens carry; kept when the same user signs in again
  sub text not null references users on delete cascade,
  auth_time timestamptz not null,
  amr text[] not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz
);

create index sessions_by_sid on sessions (sid);
create index sessions_by_sub on sessions (sub);
create index sessions_by_expiry on sessions (expires_at);

-- What a person has allowed a client to have, remembered.
create table consents (
  sub text not null references users on delete cascade,
  client_id text not null references clients on delete cascade,
  scope text[] not null,
  resources text[] not null,
  granted_at timestamptz not null,
  primary key (sub, client_id)
);

create index consents_by_client on consents (client_id);
