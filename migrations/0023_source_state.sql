-- A row is what a source's answers have taught about its plan, and how far its feed is used today.
create table source_state (
    source         text        not null,
    end_of_day_at  timestamptz,                     -- when it last answered inside a session with an older price
    feed_asked_at  timestamptz,                     -- the last request to its feed for all symbols
    feed_asked_on  date,                            -- the day in New York of that request
    feed_asked     integer     not null default 0,  -- requests to it on that day

    constraint source_state_pk primary key (source),
    constraint source_state_feed_is_counted check (feed_asked >= 0 and (feed_asked = 0) = (feed_asked_at is null) and (feed_asked = 0) = (feed_asked_on is null))
);
