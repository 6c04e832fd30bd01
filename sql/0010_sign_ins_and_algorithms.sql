-- The sign-in that was made for this very request (prompt=login, max_age): the sid of its session.
alter table authorization_requests add column signed_in_sid text;

-- Which algorithms the nodes' settings have, and until when that is known. A node with other settings, as during a rolling
-- restart, leaves their keys alone; those of an algorithm that nobody has used for so long are withdrawn.
create table signing_algs_in_use (
  alg text primary key check (alg in ('RS256', 'ES256', 'PS256', 'EdDSA')),
  in_use_until timestamptz not null
);

-- Nodes of the release before use what has keys, and do not say so.
insert into signing_algs_in_use (alg, in_use_until)
select distinct alg, now() + interval '1 day' from signing_keys
where retired_at is null and revoked_at is null;
