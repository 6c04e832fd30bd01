-- What else a person allowed, and which key it is bound to; a code hands it on to its refresh family.
alter table authorization_codes
  add column claims jsonb, -- the claims that were asked for one by one (OpenID Connect Core section 5.5)
  add column authorization_details jsonb, -- RFC 9396
  add column acr text, -- the authentication context class that was asked for and reached
  add column confirmation jsonb; -- {"jkt"}: the key that the code's redemption must prove (RFC 9449 section 10)

alter table refresh_families
  add column claims jsonb,
  add column authorization_details jsonb,
  add column acr text,
  add column confirmation jsonb; -- of a public client: the key that each use must prove (RFC 9449 section 5)
