-- A row is one evaluation of the formula for one share at one instant, with
-- every term of it and the ids of everything it read, so that it can be computed
-- again bit for bit. Rows are only added; the newest is the current signal.
create table signal (
    id              bigint           not null generated always as identity,
    symbol          text             not null,
    at              timestamptz      not null,  -- nothing available later than this was used
    state           text             not null,
    label           text,
    c               double precision,           -- composite, −1 … 1
    p               double precision,           -- its price part
    s               double precision not null,  -- its sentiment part; kept also without prices
    q               double precision not null,  -- quality, 0 … 1: how much evidence, how much in agreement
    terms           jsonb            not null,  -- every term of the formula, by its name in the formula
    inputs          jsonb            not null,  -- window of bars, ids of quote, clusters and sentiments
    formula_version text             not null,
    cause           text             not null,  -- what called for it; the same cause makes one signal
    job             bigint,                     -- the job that derived it; no foreign key, jobs are pruned earlier

    constraint signal_pk primary key (id),
    constraint signal_once_per_cause unique (symbol, cause),
    constraint signal_symbol_fk foreign key (symbol) references instrument,
    constraint signal_state_is_known check (state in (
        'ok',                -- computed, has a label
        'insufficient_data'  -- too few bars to say anything: not a HOLD
    )),
    constraint signal_label_is_known check (label in (
        'STRONG_BUY', 'BUY', 'HOLD', 'SELL', 'STRONG_SELL'  -- rungs of one ladder, best first
    )),
    constraint signal_ok_is_whole check (
        num_nonnulls(label, c, p) = case state when 'ok' then 3 else 0 end),
    constraint signal_c_in_range check (c between -1 and 1),
    constraint signal_p_in_range check (p between -1 and 1),
    constraint signal_s_in_range check (s between -1 and 1),
    constraint signal_q_in_range check (q between 0 and 1)
);

-- the current signal of a symbol and its history, newest first
create index signal_history on signal (symbol, at desc, id desc);
