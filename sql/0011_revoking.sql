-- The last revocation of everything: no sign-in from up to this instant counts any more, whoever's it is.
create table everything_revoked (
  only_row boolean primary key default true check (only_row),
  revoked_at timestamptz not null
);

-- What the client was granted, or has asked for, up to this instant counts no more; what it asks for later does.
-- (revoked_at is another thing: since then the client may do nothing at all.)
alter table clients add column grants_revoked_at timestamptz;

create index refresh_families_by_client on refresh_families (client_id);
create index refresh_families_by_sid on refresh_families (sid);

create index audit_events_by_subject on audit_events (subject, id);
create index audit_events_by_noun on audit_events (split_part(action, '.', 1), id);
