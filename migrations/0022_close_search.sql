-- A row is the search for the closes of one session: how long after the exchange had closed a provider
-- published them. The planner learns from it when to ask next. One row a session and provider.
create table close_search (
    provider  text        not null,
    closes    timestamptz not null,            -- when the session ended
    misses    integer     not null default 0,  -- answers in a row that lacked the close
    missed_at timestamptz,                     -- the last of them
    seen_at   timestamptz,                     -- the first answer that held the close

    constraint close_search_pk primary key (provider, closes),
    constraint close_search_misses_are_counted check (misses >= 0 and (misses = 0) = (missed_at is null))
);
