-- A row is one observation of a share's price: a price that differs from the
-- last one seen for the same trading day. An unchanged answer leaves no row, only
-- a later instrument.quote_seen_at, so a weekend of asking observes nothing.
create table quote (
    id             bigint        not null generated always as identity,
    symbol         text          not null,
    trading_day    date          not null,  -- the provider's, of the exchange; never the day of asking
    price          numeric(20,6) not null,
    open           numeric(20,6),
    high           numeric(20,6),
    low            numeric(20,6),
    previous_close numeric(20,6),
    volume         bigint,
    provider       text          not null,
    first_seen_at  timestamptz   not null default clock_timestamp(),

    constraint quote_pk primary key (id),
    constraint quote_symbol_fk foreign key (symbol) references instrument,
    constraint quote_prices_are_positive check (
        price > 0 and open > 0 and high > 0 and low > 0 and previous_close > 0),
    constraint quote_volume_is_not_negative check (volume >= 0)
);

-- the latest quote of a symbol, and the last one of a day
create index quote_latest on quote (symbol, trading_day desc, id desc);
