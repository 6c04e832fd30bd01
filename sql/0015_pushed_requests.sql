-- How a request came, since a client may have to push or sign its requests. A pushed one that has to wait for a person lives on
-- from then for as long as any other that waits, once.
alter table authorization_requests
  add column pushed boolean not null default false, -- by the client itself (RFC 9126)
  add column signed boolean not null default false, -- in a request object (RFC 9101)
  add column prolonged boolean not null default false;
