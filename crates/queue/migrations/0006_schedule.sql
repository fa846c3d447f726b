-- A job added by the clock.
create table queue.schedule (
    name       text        primary key,
    cron       text        not null,  -- five fields, as in crontab
    zone       text        not null,  -- by name: decides the length of days on which clocks change
    kind       text        not null,
    args       jsonb       not null,
    slot       interval,              -- jobs take the unique key of the current slot of this length
    missed     text        not null check (missed in (
        'skip',  -- ticks that no process made in time are left out
        'one',   -- the last of them is made
        'all'    -- each is made
    )),
    paused     boolean     not null default false,
    since      timestamptz not null default clock_timestamp(),  -- ticks up to here are made or left out
    created_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);

-- A tick that was made. The primary key admits it once, however many processes tick.
create table queue.tick (
    schedule text        not null references queue.schedule on delete cascade,
    fire_at  timestamptz not null,
    job      bigint,
    made_at  timestamptz not null default clock_timestamp(),

    primary key (schedule, fire_at)
);

create index tick_fire_at on queue.tick (fire_at);
