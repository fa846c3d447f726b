-- A row is the memory of the alert engine for one rule and one share: what it
-- saw last, which bands are used up, which timers run. Locked while evaluated.
create table alert_state (
    rule_id    bigint      not null,
    symbol     text        not null,  -- empty where the rule's kind concerns no share
    state      jsonb       not null,  -- null before the first evaluation has ended
    next_timer timestamptz,           -- when to evaluate again though nothing new arrives
    updated_at timestamptz not null default clock_timestamp(),

    constraint alert_state_pk primary key (rule_id, symbol),
    constraint alert_state_rule_fk foreign key (rule_id) references rule on delete cascade
);

-- what is due
create index alert_state_due on alert_state (next_timer) where next_timer is not null;
