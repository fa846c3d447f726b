-- A row is one message to one recipient about one episode. It is written in the
-- transaction that decided on it, so no message is forgotten and none is made twice.
create table notification (
    id         bigint      not null generated always as identity,
    alert_id   bigint      not null,
    channel    text        not null,
    recipient  text        not null,     -- number, address or URL; for log: log
    kind       text        not null,
    sequence   integer     not null,     -- 0 for the first of its kind, 1 for the first repeat after it, …
    subject    text        not null default '',  -- of an e-mail
    body       text        not null,
    simulated  boolean     not null default false,  -- made of invented prices, news or readings
    created_at timestamptz not null default clock_timestamp(),
    sent_at    timestamptz,
    state      text        not null default 'queued',

    constraint notification_pk primary key (id),
    constraint notification_once unique (alert_id, channel, recipient, kind, sequence),
    constraint notification_alert_fk foreign key (alert_id) references alert on delete cascade,
    constraint notification_sequence_is_not_negative check (sequence >= 0),
    constraint notification_channel_is_known check (channel in (
        'sms', 'email', 'webhook',
        'log'  -- the worker's own log, where no other channel is configured
    )),
    constraint notification_kind_is_known check (kind in (
        'firing',      -- the episode began
        'repeat',      -- it still lasts
        'resolved',    -- it is over
        'undelivered'  -- another channel could not tell of it for an hour
    )),
    constraint notification_state_is_known check (state in (
        'queued',     -- written, not yet tried
        'sending',    -- an attempt has begun
        'sent',       -- the provider took it
        'unknown',    -- an attempt broke off where the provider may have taken it: look before sending again
        'failed',     -- refused for good
        'dropped',    -- not sent while it mattered; its last delivery has the reason
        'suppressed'  -- the recipient must not be written to
    )),
    constraint notification_sent_has_a_time check ((state = 'sent') = (sent_at is not null))
);

-- what is still on its way
create index notification_unsent on notification (id) where state in ('queued', 'sending', 'unknown');
