-- A row counts the articles of one day that a provider sent and that were not
-- kept, by reason: removed, untitled, future_dated, … Dropping is never silent.
create table article_drop (
    day      date   not null,  -- UTC, of the arrival
    provider text   not null,
    reason   text   not null,
    count    bigint not null,

    constraint article_drop_pk primary key (day, provider, reason),
    constraint article_drop_count_is_positive check (count > 0)
);
