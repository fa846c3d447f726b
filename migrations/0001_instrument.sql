-- A row is one share that Bellwether knows, by its ticker. Everything that is
-- observed or derived hangs on it. Shares are added and unwatched, never deleted.
create table instrument (
    symbol        text        not null,
    name          text,                    -- common name; null until known
    exchange      text,                    -- market identifier or the provider's name of it
    currency      text        not null default 'USD',  -- of every price of this share; pence count as GBX
    watched       boolean     not null default true,   -- whether the schedule asks for it
    added_at      timestamptz not null default clock_timestamp(),
    quote_seen_at timestamptz,             -- last time a provider answered with a quote, changed or not
    news_seen_at  timestamptz,             -- last time a provider answered a news search, empty or not
    close_misses  integer     not null default 0,  -- answers in a row that lacked a close which others had

    constraint instrument_pk primary key (symbol),
    constraint instrument_symbol_is_a_ticker check (symbol ~ '^[A-Z][A-Z0-9.\-]{0,9}$'),
    constraint instrument_currency_is_a_code check (currency ~ '^[A-Z]{3}$'),
    constraint instrument_close_misses_are_counted check (close_misses >= 0)
);

-- the watchlist, in order
create index instrument_watched on instrument (symbol) where watched;
