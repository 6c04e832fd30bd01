-- One row per signing key. Its state is read from its timestamps:
-- published (activated_at is null) -> signing -> retired (retired_at) -> gone (leaves_jwks_at has passed),
-- or revoked at any time.
create table signing_keys (
  kid text primary key, -- RFC 7638 thumbprint
  alg text not null check (alg in ('RS256', 'ES256', 'PS256', 'EdDSA')),
  public_jwk jsonb not null,
  signer text not null default 'local', -- who keeps the private key and signs with it
  handle text not null, -- by which the signer finds the private key; of 'local' that key itself: a JWK as compact JWE
  key_encryption_key_id text, -- what the handle is encrypted with, if it is
  published_at timestamptz not null,
  signs_from timestamptz not null, -- published_at + publication lead: not activated before, unless forced
  activated_at timestamptz,
  retired_at timestamptz,
  leaves_jwks_at timestamptz, -- after the last token it signed has expired
  revoked_at timestamptz,
  revocation_reason text,
  check (signer <> 'local' or key_encryption_key_id is not null),
  check (retired_at is null or activated_at is not null),
  check ((retired_at is null) = (leaves_jwks_at is null))
);

create unique index signing_keys_one_signing_per_alg on signing_keys (alg)
  where activated_at is not null and retired_at is null and revoked_at is null;

create unique index signing_keys_one_next_per_alg on signing_keys (alg)
  where activated_at is null and revoked_at is null;

-- The one secret that refresh tokens and form tokens are made under, encrypted like a signing key and shared by all nodes.
create table server_secret (
  only_row boolean primary key default true check (only_row),
  handle text not null, -- JWE under the key-encryption key
  key_encryption_key_id text not null
);
