-- What people, and the schedule, did to what everybody depends on. Rows are only ever added.
create table audit_events (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  action text not null, -- such as keys.rotate
  subject text not null, -- what it was done to, such as a kid
  actor text not null, -- 'schedule', or who typed it
  reason text,
  details jsonb not null
);
