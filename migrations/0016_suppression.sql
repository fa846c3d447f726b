-- A row is a recipient who must not be written to any more, and why: they said
-- stop, or the provider says that the address does not exist.
create table suppression (
    channel   text        not null,
    recipient text        not null,
    reason    text        not null,
    since     timestamptz not null default clock_timestamp(),

    constraint suppression_pk primary key (channel, recipient),
    constraint suppression_channel_is_known check (channel in ('sms', 'email', 'webhook', 'log'))
);
