-- The people who sign in. Every token and session of a user from before revoked_at is refused.
create table users (
  sub text primary key,
  username text,
  email text,
  email_verified boolean not null default false,
  password_hash text, -- argon2id in PHC format; null: no password set
  claims jsonb not null default '{}'::jsonb, -- standard profile claims and custom claims such as roles
  created_at timestamptz not null,
  updated_at timestamptz not null,
  disabled_at timestamptz,
  revoked_at timestamptz,
  check (username is not null or email is not null),
  check (position('@' in username) = 0)
);

create unique index users_by_username on users (lower(username));
create unique index users_by_email on users (lower(email));
