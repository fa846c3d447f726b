-- What a statement moved: appended, so that no two transactions meet on one counter. Folded into
-- bucket and tally; a reader adds the rest.
create table queue.delta (
    id       bigint      generated always as identity primary key,
    at       timestamptz not null default clock_timestamp(),
    lane     integer     not null,
    kind     text        not null,
    was      text,       -- null: new
    became   text,       -- null: pruned
    duration smallint,   -- claims: the wait, endings: the run, as a number of queue.duration_class
    n        integer     not null
);

-- What happened in a minute.
create table queue.bucket (
    minute   timestamptz not null,
    lane     integer     not null,
    kind     text        not null,
    was      text        not null,
    became   text        not null,
    duration smallint    not null,
    n        bigint      not null,

    primary key (minute, lane, kind, was, became, duration)
);

-- How many jobs are in each state, up to the last fold.
create table queue.tally (
    lane  integer not null,
    kind  text    not null,
    state text    not null,
    n     bigint  not null,

    primary key (lane, kind, state)
);

-- A duration as a class: four to each doubling, from 1 ms. Its middle is 2^((class - 0.5) / 4) ms.
create function queue.duration_class(p interval) returns smallint
language sql immutable as $$
    select case when ms.v < 1 then 0 else least(150, 1 + floor(4 * ln(ms.v) / ln(2)))::smallint end
    from (select extract(epoch from p) * 1000 as v) ms
$$;

-- Something that people watching should look at again.
create table queue.event (
    xid     xid8        not null default pg_current_xact_id(),
    id      bigint      generated always as identity,
    kind    text        not null,
    subject text        not null,
    at      timestamptz not null default clock_timestamp(),

    primary key (xid, id)  -- the order in which readers take them
);

create index event_at on queue.event (at);

-- The newest event that is no longer kept.
create table queue.event_floor (
    one boolean primary key default true check (one),
    xid xid8    not null,
    id  bigint  not null
);
insert into queue.event_floor (xid, id) values ('0', 0);

-- What people did to jobs, queues, limits and schedules.
create table queue.audit (
    id      bigint      generated always as identity primary key,
    at      timestamptz not null default clock_timestamp(),
    actor   text        not null,
    action  text        not null,
    subject text        not null,
    detail  jsonb
);

-- Folds deltas into buckets and the tally, one process at a time, and announces what moved.
create function queue.fold_v1() returns bigint
language plpgsql as $$
declare
    moved bigint;
begin
    if not pg_try_advisory_xact_lock(hashtext('queue.fold')) then
        return 0;
    end if;
    with taken as (
        delete from queue.delta returning *
    ), buckets as (
        insert into queue.bucket as b (minute, lane, kind, was, became, duration, n)
        select date_trunc('minute', at, 'UTC'), lane, kind, coalesce(was, ''), coalesce(became, ''), coalesce(duration, -1), sum(n)
        from taken group by 1, 2, 3, 4, 5, 6
        order by 1, 2, 3, 4, 5, 6
        on conflict (minute, lane, kind, was, became, duration) do update set n = b.n + excluded.n
    ), tallies as (
        insert into queue.tally as t (lane, kind, state, n)
        select lane, kind, state, sum(n) from (
            select lane, kind, became as state, n from taken where became is not null
            union all
            select lane, kind, was, -n from taken where was is not null
        ) x group by 1, 2, 3
        order by 1, 2, 3
        on conflict (lane, kind, state) do update set n = t.n + excluded.n
    ), events as (
        insert into queue.event (kind, subject)
        select 'job', l.queue || '/' || x.kind
        from (select distinct lane, kind from taken) x join queue.lane l on l.id = x.lane
    )
    select count(*) into moved from taken;
    return moved;
end $$;
