-- A queue is worked by the processes that name it; its settings apply to all of them.
create table queue.queue (
    name        text        primary key check (name ~ '^[a-z][a-z0-9_]{0,39}$'),
    paused      boolean     not null default false,
    concurrency smallint    check (concurrency between 0 and 1000),  -- attempts that each process runs at a time; null: as it was started
    cap         integer     check (cap >= 0),  -- most attempts running on all processes together; null: no maximum
    created_at  timestamptz not null default clock_timestamp(),

    -- The channel of a queue is `queue_` and its name; `queue_cancel` announces that a running job was
    -- cancelled.
    constraint queue_name_reserved check (name <> 'cancel')
) with (fillfactor = 50);

-- A lane is a group of waiting jobs of a queue that need the same limit keys, in one order. Its number leads
-- the claim's index, so an exhausted lane is never scanned.
create table queue.lane (
    id    integer generated always as identity primary key,
    queue text    not null references queue.queue,
    name  text    not null check (name ~ '^[a-z][a-z0-9_./-]{0,79}$'),

    unique (queue, name)
) with (autovacuum_analyze_threshold = 1);  -- few rows, but they decide whether a job is found by probes

-- A process is one start of a worker program. It is dead when a live peer has seen its heartbeat unchanged
-- for 15 s; no times are compared. Rows of ended and dead processes stay as long as history names them.
create table queue.process (
    id         uuid        primary key,  -- random, new at every start: the first half of a lease
    name       text        not null,     -- for people
    version    text        not null,
    queues     text[]      not null,
    idle       text[]      not null default '{}',  -- queues with free slots: only these are notified of new jobs
    beat       bigint      not null default 0,     -- rises with each heartbeat
    beat_at    timestamptz not null default clock_timestamp(),  -- for people
    started_at timestamptz not null default clock_timestamp(),
    dead_at    timestamptz,  -- a peer has declared it dead; it may write nothing more
    ended_at   timestamptz   -- it has deregistered: peers may rescue its jobs at once
) with (fillfactor = 50,  -- heartbeats rewrite the row in place
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0);

create index process_live on queue.process (id) where dead_at is null and ended_at is null;
