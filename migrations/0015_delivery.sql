-- A row is one try to hand a message to a provider. It is written before the
-- bytes leave, so that a crash in between leaves a trace to look for.
create table delivery (
    id              bigint      not null generated always as identity,
    notification_id bigint      not null,
    attempt         integer     not null,  -- of the job; a try that was given back repeats the number
    nonce           text        not null,  -- travels with the message, to find it at the provider
    state           text        not null default 'sending',
    provider_id     text,                  -- the provider's name for it
    error           text,                  -- redacted and cut by the writer
    started_at      timestamptz not null default clock_timestamp(),
    ended_at        timestamptz,

    constraint delivery_pk primary key (id),
    constraint delivery_notification_fk
        foreign key (notification_id) references notification on delete cascade,
    constraint delivery_attempt_is_positive check (attempt > 0),
    constraint delivery_state_is_known check (state in (
        'sending',  -- begun; after a crash as good as unknown
        'sent',     -- the provider took it
        'unknown',  -- it may have
        'failed',   -- it did not
        'dropped'   -- not tried: the message no longer mattered
    )),
    constraint delivery_ended_unless_sending check ((state = 'sending') = (ended_at is null))
);

-- the tries of a message, newest first
create index delivery_tries on delivery (notification_id, id desc);
