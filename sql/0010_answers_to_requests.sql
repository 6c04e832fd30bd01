-- The sign-in that was made for this very request (prompt=login, max_age): the sid of its session.
alter table authorization_requests add column signed_in_sid text;
