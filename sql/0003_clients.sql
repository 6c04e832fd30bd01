-- The applications that may ask for tokens. Metadata has RFC 7591 names, normalised with its defaults.
create table clients (
  client_id text primary key,
  client_secret_hash bytea, -- SHA-256; null: public client, or one that authenticates with a key
  metadata jsonb not null,
  allowed_origins text[] not null, -- browser origins for CORS, derived from metadata
  created_at timestamptz not null,
  updated_at timestamptz not null,
  revoked_at timestamptz
);

create index clients_by_allowed_origin on clients using gin (allowed_origins);

-- The APIs that tokens can be asked for (RFC 8707).
create table resources (
  resource text primary key, -- absolute URI, the aud of its tokens
  name text not null,
  scopes text[], -- null: every scope the client was granted
  access_token_ttl_seconds integer check (access_token_ttl_seconds > 0),
  access_token_signed_response_alg text,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
