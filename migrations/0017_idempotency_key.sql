-- A row is one request that carried an Idempotency-Key, with its first answer,
-- which a repetition within a day gets again.
create table idempotency_key (
    key          text        not null,  -- the client's
    scope        text        not null,  -- route and caller: keys of different ones never meet
    request_hash text        not null,  -- another request under the same key is an error
    status       smallint,              -- of the answer; null until it is known
    body         jsonb,                 -- of the answer
    created_at   timestamptz not null default clock_timestamp(),

    constraint idempotency_key_pk primary key (scope, key)
);

-- what has expired
create index idempotency_key_age on idempotency_key (created_at);
