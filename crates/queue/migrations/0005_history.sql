-- Delta: jobs that one statement moved between states. Appended, so that no two transactions share a counter.
-- Folded into bucket and tally; readers add the unfolded rest.
create table queue.delta (
    id       bigint      generated always as identity primary key,
    at       timestamptz not null default clock_timestamp(),
    lane     integer     not null,
    kind     text        not null,
    was      text,       -- null: new
    became   text,       -- null: pruned
    duration smallint,   -- class of the wait (claims) or of the run (ends), as of queue.duration_class
    n        integer     not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- Moves between states in one minute.
create table queue.bucket (
    minute   timestamptz not null,
    lane     integer     not null,
    kind     text        not null,
    was      text        not null,
    became   text        not null,
    duration smallint    not null,
    n        bigint      not null,

    primary key (minute, lane, kind, was, became, duration)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

-- Jobs in each state, as of the last fold. The low fillfactor leaves space to rewrite a row on its own page:
-- no index is touched, and the next reader cleans the page.
create table queue.tally (
    lane  integer not null,
    kind  text    not null,
    state text    not null,
    n     bigint  not null,

    primary key (lane, kind, state)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);

-- A change that pages and streams should show.
create table queue.event (
    xid     xid8        not null default pg_current_xact_id(),
    id      bigint      generated always as identity,
    kind    text        not null,
    subject text        not null,
    at      timestamptz not null default clock_timestamp(),

    primary key (xid, id)  -- the order in which readers take them
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

create index event_at on queue.event (at);

-- The newest event that has been deleted.
create table queue.event_floor (
    one boolean primary key default true check (one),
    xid xid8    not null,
    id  bigint  not null
);
insert into queue.event_floor (xid, id) values ('0', 0);

-- The server to which the ledger and the positions of events belong, written by the first migration. On
-- another server neither can be trusted: after a failover that lost the last grants, or after a restore.
create table queue.server (
    one      boolean primary key default true check (one),
    timeline text,          -- of the server on which the ledger was last used; null: the next use parks every key
    epoch    text not null  -- of the positions of events
);

-- Audit log: commands of people to jobs, queues, limits and schedules.
create table queue.audit (
    id      bigint      generated always as identity primary key,
    at      timestamptz not null default clock_timestamp(),
    actor   text        not null,
    action  text        not null,
    subject text        not null,
    detail  jsonb
);

-- Partitions that have been detached from history and are being cleared.
create table queue.detached_partition (
    name        text        primary key,        -- of the partition's table
    blocks      bigint      not null default 0, -- cleared so far
    detached_at timestamptz not null default clock_timestamp()
);
