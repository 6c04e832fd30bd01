-- Device authorization requests (RFC 8628). The device polls by its device code, the person answers by the user code. A used
-- one stays until it expires, so that a replay is recognised.
create table device_codes (
  code_hash bytea primary key,
  user_code text not null, -- in clear: too short for a hash to hide, and of no use without a person who allows it
  client_id text not null references clients on delete cascade,
  scope text[] not null,
  resources text[] not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  interval_seconds integer not null, -- how long the device is to wait between polls; longer each time it does not
  polled_at timestamptz,
  decision text check (decision in ('allowed', 'denied')),
  -- What an allowance gives: by whom, and by which sign-in.
  grant_id uuid,
  sub text references users on delete cascade,
  sid text,
  auth_time timestamptz,
  amr text[],
  consumed_at timestamptz,
  -- As those of authorization_codes, for the one-time gate that both share. No device asks for them yet.
  acr text,
  claims jsonb,
  authorization_details jsonb,
  check (num_nulls(grant_id, sub, sid, auth_time, amr) = case when decision = 'allowed' then 0 else 5 end)
);

create unique index device_codes_by_user_code on device_codes (user_code);
create index device_codes_by_expiry on device_codes (expires_at);

-- The applications that the start page offers (OpenID Connect Core section 4), by name.
create index clients_by_initiate_login on clients (lower(coalesce(metadata ->> 'client_name', client_id)), client_id)
where metadata ? 'initiate_login_uri' and revoked_at is null;
