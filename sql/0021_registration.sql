-- Initial access tokens (RFC 7591 §3): whoever holds one may register clients. Known by their SHA-256 only.
create table registration_tokens (
  id uuid primary key,
  token_hash bytea not null unique,
  name text,
  max_uses integer check (max_uses > 0), -- null: as many as they like
  uses integer not null default 0,
  created_at timestamptz not null,
  revoked_at timestamptz,
  expires_at timestamptz not null
);

create index registration_tokens_by_expiry on registration_tokens (expires_at);

-- What the server keeps of clients that registered themselves, beside the client (RFC 7592 §3).
create table client_registrations (
  client_id text primary key references clients on delete cascade,
  access_token_hash bytea not null, -- SHA-256 of the registration access token
  registration_token_id uuid, -- the initial access token, which may be gone; null: open registration
  software_statement text, -- as it came
  registered_at timestamptz not null,
  expires_at timestamptz -- when the client goes if it has never got a token; null once it has
);

create index client_registrations_by_expiry on client_registrations (expires_at);
