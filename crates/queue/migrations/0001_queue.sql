-- A queue is worked by the processes that name it; its settings hold on all of them.
create table queue.queue (
    name        text        primary key check (name ~ '^[a-z][a-z0-9_]{0,39}$'),
    paused      boolean     not null default false,
    concurrency smallint    check (concurrency between 0 and 1000),  -- attempts a process runs at a time; null: as it was started
    created_at  timestamptz not null default clock_timestamp()
);

-- A lane is where jobs of a queue wait together: for the same limit keys, in one order. Its number
-- stands in the claim's index, so an exhausted lane is never scanned.
create table queue.lane (
    id    integer generated always as identity primary key,
    queue text    not null references queue.queue,
    name  text    not null check (name ~ '^[a-z][a-z0-9_./-]{0,79}$'),

    unique (queue, name)
) with (autovacuum_analyze_threshold = 1);  -- few rows, but they decide whether a job is found by probes

-- A process is one start of one worker program. It is dead when a live process has watched its
-- beat stand still; no times are compared. Ended and dead rows stay as long as history names them.
create table queue.process (
    id         uuid        primary key,  -- random, new at every start: the first half of a lease
    name       text        not null,     -- for people
    version    text        not null,
    queues     text[]      not null,
    idle       text[]      not null default '{}',  -- queues with free slots: enqueuers notify only these
    beat       bigint      not null default 0,     -- rises while the process lives
    beat_at    timestamptz not null default clock_timestamp(),  -- for people
    started_at timestamptz not null default clock_timestamp(),
    dead_at    timestamptz,  -- a peer has declared it dead; it may write nothing more
    ended_at   timestamptz   -- it said goodbye
) with (fillfactor = 50);  -- beats rewrite the row in place

create index process_live on queue.process (id) where dead_at is null and ended_at is null;

-- Tells the idle processes of these queues that there is work. Without a payload, so that the
-- server folds repeats within a transaction.
create function queue.wake(p_queues text[]) returns void
language sql as $$
    select pg_notify('queue_' || q, '')
    from unnest(p_queues) q
    where (select true from queue.process p
           where p.dead_at is null and p.ended_at is null and q = any (p.idle) limit 1)
$$;
