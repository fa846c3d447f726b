-- A row is one episode of one rule: from the moment its condition held until it
-- was over. The next time is a new row with the next episode number. A pending
-- episode that ends before it fires leaves no row.
create table alert (
    id              bigint      not null generated always as identity,
    rule_id         bigint      not null,
    symbol          text        not null,  -- empty where the rule's kind concerns no share
    key             text        not null default '',  -- tells parallel episodes apart, e.g. 2026-11-23/down/10
    episode         integer     not null,
    kind            text        not null,  -- the rule's, kept though the rule may change
    severity        text        not null,
    state           text        not null,
    title           text        not null,  -- one line for people
    detail          jsonb       not null,  -- the values that led to it
    pending_at      timestamptz,           -- null when the rule does not wait
    fired_at        timestamptz,
    resolved_at     timestamptz,
    acknowledged_at timestamptz,           -- stops repeats
    acknowledged_by text,
    snoozed_until   timestamptz,           -- holds messages until then

    constraint alert_pk primary key (id),
    constraint alert_once_per_episode unique (rule_id, symbol, key, episode),
    constraint alert_rule_fk foreign key (rule_id) references rule,
    constraint alert_episode_is_positive check (episode > 0),
    constraint alert_severity_is_known check (severity in (
        'info',     -- worth knowing
        'warning',  -- worth a look today
        'critical'  -- worth a look now
    )),
    constraint alert_state_is_known check (state in (
        'pending',  -- the condition holds, not yet for long enough
        'firing',   -- it has held for long enough; people are told
        'resolved'  -- it is over; final
    )),
    constraint alert_pending_has_not_fired check (
        state <> 'pending' or (pending_at is not null and fired_at is null)),
    constraint alert_fired_before_it_was_over check (state = 'pending' or fired_at is not null),
    constraint alert_resolved_has_an_end check ((state = 'resolved') = (resolved_at is not null)),
    constraint alert_acknowledged_by_somebody check (
        (acknowledged_at is null) = (acknowledged_by is null))
);

-- alerts of a symbol, newest first
create index alert_by_symbol on alert (symbol, id desc);
-- episodes that are not over
create index alert_open on alert (rule_id, symbol, id) where state <> 'resolved';
