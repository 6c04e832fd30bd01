-- Counters of failed attempts, shared by all nodes (shape given by rate-limiter-flexible).
create table rate_limits (
  key varchar(255) primary key,
  points integer not null default 0,
  expire bigint -- milliseconds since 1970
);

create index rate_limits_by_expiry on rate_limits (expire);
