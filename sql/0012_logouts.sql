-- Which clients that want to hear of logouts have got tokens in which session. A row goes once its client is to be told,
-- and once neither the session nor a refresh token of it can be alive.
create table session_clients (
  sid text not null,
  sub text not null references users on delete cascade,
  client_id text not null references clients on delete cascade,
  expires_at timestamptz not null,
  primary key (sid, client_id)
);

create index session_clients_by_sub on session_clients (sub);
create index session_clients_by_client on session_clients (client_id);
create index session_clients_by_expiry on session_clients (expires_at);

-- Clients that have yet to be told of a session's end (OpenID Connect Back-Channel Logout 1.0). A row is written by the
-- transaction that ends the session, and goes once the client has been told or the attempts have been given up.
create table logout_deliveries (
  id uuid primary key default gen_random_uuid(), -- the jti of the logout token, the same at each attempt
  client_id text not null references clients on delete cascade,
  sub text not null, -- outlives the user
  sid text not null,
  created_at timestamptz not null,
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default '-infinity', -- during an attempt: when another node may take it over
  expires_at timestamptz not null, -- what failed after this is given up
  last_error text
);

create index logout_deliveries_by_client on logout_deliveries (client_id, next_attempt_at);
create index logout_deliveries_by_creation on logout_deliveries (created_at);
create index logout_deliveries_by_expiry on logout_deliveries (expires_at);
