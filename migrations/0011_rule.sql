-- A row is one rule: when to raise an alert, for one share or for each of the
-- watched ones. The defaults are added when Bellwether first starts; switch one
-- off rather than delete it, or the next start brings it back.
create table rule (
    id         bigint      not null generated always as identity,
    name       text        not null,
    kind       text        not null,
    symbol     text,                     -- null: every watched symbol, or none where the kind concerns none
    severity   text        not null,     -- of its alerts
    definition jsonb       not null,     -- conditions and times, as the alert engine reads them
    enabled    boolean     not null default true,
    created_at timestamptz not null default clock_timestamp(),

    constraint rule_pk primary key (id),
    constraint rule_name_is_taken unique (name),
    constraint rule_symbol_fk foreign key (symbol) references instrument,
    constraint rule_severity_is_known check (severity in ('info', 'warning', 'critical')),  -- as in alert
    constraint rule_kind_is_known check (kind in (
        'price_change',              -- a move against the previous close, in bands
        'price_cross',               -- a price passes a threshold
        'negative_sentiment_trend',  -- news is bad and getting worse
        'sentiment_shift',           -- news turned within a day
        'signal_enter',              -- the signal reaches a STRONG label
        'divergence',                -- news and price point opposite ways
        'data_stale',                -- no new data for too much session time
        'quota_exhausted',           -- a provider's window is used up
        'model_retiring'             -- a model will soon be gone
    ))
);
