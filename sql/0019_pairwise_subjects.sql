-- What clients of one sector call a user whose sub they are not to know (OpenID Connect Core section 8.1). A row is there
-- before the first token that names its subject, since whoever revokes the user revokes it by each subject.
create table pairwise_subjects (
  subject text primary key,
  sub text not null references users on delete cascade
);

create index pairwise_subjects_by_sub on pairwise_subjects (sub);

-- Null: the client knows the user by the sub. A grant keeps what it began with (OpenID Connect Core section 12.2).
alter table authorization_codes add column subject text;
alter table device_codes add column subject text;
alter table refresh_families add column subject text;
alter table session_clients add column subject text;
alter table logout_deliveries add column subject text;
