-- Claims that a person allowed one by one (OpenID Connect Core section 5.5), beside those of whole scopes.
alter table consents add column claims text[] not null default '{}';

-- What the person answered to prompt=select_account: the sid of the session to go on with, or 'another'.
alter table authorization_requests add column selected_account text;
