-- A job that the clock adds.
create table queue.schedule (
    name       text        primary key,
    cron       text        not null,  -- five fields, as in crontab
    zone       text        not null,  -- by name: what an hour is, when clocks change
    kind       text        not null,
    args       jsonb       not null,
    slot       interval,              -- takes the unique key of the current slot of this length
    missed     text        not null check (missed in (
        'skip',  -- ticks that nobody made are left out
        'one',   -- the last of them is made
        'all'    -- each is made
    )),
    paused     boolean     not null default false,
    since      timestamptz not null default clock_timestamp(),  -- ticks up to here are dealt with
    created_at timestamptz not null default clock_timestamp()
);

-- A tick that was made. The primary key admits one, however many processes tick.
create table queue.tick (
    schedule text        not null references queue.schedule on delete cascade,
    fire_at  timestamptz not null,
    job      bigint,
    made_at  timestamptz not null default clock_timestamp(),

    primary key (schedule, fire_at)
);
