-- A row is one version of one share's trading day: open, high, low, close and
-- volume as a provider gave them. A correction adds a revision, so that a past
-- signal can still be explained by the prices that were known then.
create table bar (
    symbol        text          not null,
    day           date          not null,
    revision      integer       not null default 1,  -- 1 is the first version; the highest is current
    open          numeric(20,6) not null,
    high          numeric(20,6) not null,
    low           numeric(20,6) not null,
    close         numeric(20,6) not null,            -- raw: not adjusted for splits
    volume        bigint        not null,
    provider      text          not null,
    first_seen_at timestamptz   not null default clock_timestamp(),

    -- also serves the newest closes of a symbol, read backwards
    constraint bar_pk primary key (symbol, day, revision),
    constraint bar_symbol_fk foreign key (symbol) references instrument,
    constraint bar_revision_is_positive check (revision > 0),
    constraint bar_prices_are_positive check (open > 0 and high > 0 and low > 0 and close > 0),
    constraint bar_range_is_ordered check (low <= high),
    constraint bar_volume_is_not_negative check (volume >= 0)
);

-- each day as it is known now
create view bar_current as
select distinct on (symbol, day)
    symbol, day, revision, open, high, low, close, volume, provider, first_seen_at
from bar
order by symbol desc, day desc, revision desc;
