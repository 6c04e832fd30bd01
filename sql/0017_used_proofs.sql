-- DPoP proofs that were used (RFC 9449 section 11.1, jti), so that none counts twice on any node.
create table used_proofs (
  proof_hash bytea primary key, -- SHA-256 of the key's thumbprint and the jti
  expires_at timestamptz not null
);

create index used_proofs_by_expiry on used_proofs (expires_at);
