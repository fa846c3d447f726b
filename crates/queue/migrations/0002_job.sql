-- A job is in exactly one of pending, ready, scheduled, running, done and failed, and moves between them. The
-- view queue.job shows them as one.
create sequence queue.job_id as bigint;

-- A job that waits for other jobs. When the last of them has ended, it moves to ready or scheduled.
create table queue.pending (
    id           bigint      primary key,
    due_at       timestamptz,  -- earliest time, also after the last of them has ended
    lane         integer     not null,
    priority     smallint    not null check (priority between 0 and 9),
    kind         text        not null,
    max_attempts smallint    not null,
    args         jsonb,
    unique_key   text,
    unique_until text,
    tags         text[],
    parent       bigint,
    trace        text,
    created_at   timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

create index pending_parent on queue.pending (parent) where parent is not null;

-- A job that a worker may claim now. Rows are inserted and deleted many times a second, never updated: vacuum
-- runs after few of them, at once and unthrottled, so that the next claim does not walk over dead rows.
create table queue.ready (
    id           bigint      not null,
    lane         integer     not null,
    priority     smallint    not null check (priority between 0 and 9),  -- 0 is first
    kind         text        not null,
    attempt      smallint    not null,  -- attempts made so far
    max_attempts smallint    not null,
    args         jsonb,                 -- null: in payload
    unique_key   text,
    unique_until text        check (unique_until in ('pruned', 'claimed')),
    tags         text[],
    parent       bigint,                -- the job whose attempt added this one
    trace        text,                  -- W3C trace context of the caller
    created_at   timestamptz not null,
    available_at timestamptz not null,  -- since when it can be claimed
    error        text                   -- of its last attempt
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- The claim's order. A lookup by number uses it too, by a probe for each lane and each of ten priorities.
create unique index ready_claim on queue.ready (lane, priority, id);
create index ready_parent on queue.ready (parent) where parent is not null;

-- A job that waits for its time: scheduled, or retryable after a failed attempt. Claims of every queue move
-- due rows, so a row that could not be moved would stop all of them.
create table queue.scheduled (
    id           bigint      primary key,
    due_at       timestamptz not null,
    retry        boolean     not null,  -- true: retryable, an attempt has failed
    lane         integer     not null,
    priority     smallint    not null check (priority between 0 and 9),
    kind         text        not null,
    attempt      smallint    not null,
    max_attempts smallint    not null,
    args         jsonb,
    unique_key   text,
    unique_until text,
    tags         text[],
    parent       bigint,
    trace        text,
    created_at   timestamptz not null,
    error        text
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

create index scheduled_due on queue.scheduled (due_at);
create index scheduled_parent on queue.scheduled (parent) where parent is not null;

-- While another transaction holds an old snapshot, index entries of jobs that have moved on cannot be
-- removed: the search for due jobs starts at a mark after them. The marks are sequences, because every
-- transaction sees a new value at once and an update leaves no dead rows.
create sequence queue.promoted_to as bigint minvalue 0 start 0;   -- microseconds since 1970: jobs due before then have been moved
create sequence queue.promoted_all as bigint minvalue 0 start 0;  -- time of the last search from the start

-- An attempt as a claim hands it out.
create type queue.claimed as (
    id           bigint,
    kind         text,
    lane         text,
    lane_id      integer,
    priority     smallint,
    attempt      smallint,
    max_attempts smallint,
    args         jsonb,
    unique_key   text,
    tags         text[],
    parent       bigint,
    trace        text,
    created_at   timestamptz,
    available_at timestamptz,
    key          text,      -- the limit key whose permit it holds
    guard        interval,  -- null: the key counts from the finish, or there is none
    tokens       bigint,    -- reserved
    micros       bigint     -- reserved
);

-- An attempt in flight. (id, process, lease) is its fence: every write of the attempt must name all three,
-- and finds no row once the lease is lost.
create table queue.running (
    id           bigint      primary key,
    process      uuid        not null,
    lease        bigint      not null,  -- number of the claim, counted by the process
    claimed_at   timestamptz not null,
    cancel       boolean     not null default false,  -- an operator has cancelled it
    key          integer,               -- the limit key that served the claim
    lane         integer     not null,
    priority     smallint    not null,
    kind         text        not null,
    attempt      smallint    not null,  -- this attempt's number
    max_attempts smallint    not null,
    args         jsonb,
    unique_key   text,
    unique_until text,
    tags         text[],
    parent       bigint,
    trace        text,
    created_at   timestamptz not null,
    available_at timestamptz not null,
    requests     integer     not null default 0,  -- reserved beyond the first, until they are taken or the attempt ends
    tokens       bigint      not null default 0,  -- reserved until the attempt ends
    micros       bigint      not null default 0,
    probe        boolean     not null default false, -- the one call that a half-open breaker allows
    added_in     bigint      not null default pg_current_xact_id()::text::bigint  -- the transaction of its claim
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

create index running_key on queue.running (key, added_in) where key is not null;
create index running_parent on queue.running (parent) where parent is not null;

-- A completed job, partitioned by the day it finished. Rows are written once and dropped by the day, so the
-- default storage settings fit.
create table queue.done (
    id           bigint      not null,
    finished_at  timestamptz not null,
    process      uuid        not null,
    claimed_at   timestamptz not null,
    lane         integer     not null,
    priority     smallint    not null,
    kind         text        not null,
    attempt      smallint    not null,
    max_attempts smallint    not null,
    args         jsonb,
    unique_key   text,
    unique_until text,
    tags         text[],
    parent       bigint,
    trace        text,
    created_at   timestamptz not null,
    log          text[],
    output       jsonb       -- returned by the handler, or recorded by it; null: nothing
) partition by range (finished_at);

create index done_id on queue.done (id);
create index done_parent on queue.done (parent) where parent is not null;
create table queue.done_default partition of queue.done default;

-- A job that ended without completing: discarded or cancelled. Kept longer than completed jobs.
create table queue.failed (
    id           bigint      not null,
    finished_at  timestamptz not null,
    state        text        not null check (state in ('discarded', 'cancelled')),
    error        text,       -- the last error, or why it was cancelled
    due_at       timestamptz,  -- of a job that was cancelled while it waited for others
    lane         integer     not null,
    priority     smallint    not null,
    kind         text        not null,
    attempt      smallint    not null,
    max_attempts smallint    not null,
    args         jsonb,
    unique_key   text,
    unique_until text,
    tags         text[],
    parent       bigint,
    trace        text,
    created_at   timestamptz not null
) partition by range (finished_at);

create index failed_id on queue.failed (id);
create index failed_parent on queue.failed (parent) where parent is not null;
create table queue.failed_default partition of queue.failed default;

-- Arguments too large to move with their job: written once, read by the claim.
create table queue.payload (
    job  bigint primary key,
    args jsonb  not null
) with (autovacuum_vacuum_scale_factor = 0.05);

-- An attempt that did not end its job, with the details that done and failed have no columns for.
create table queue.attempt (
    job        bigint      not null,
    number     smallint    not null,
    process    uuid,
    started_at timestamptz not null,
    ended_at   timestamptz not null default clock_timestamp(),
    outcome    text        not null check (outcome in (
        'completed',    -- kept here if the job was run again later
        'failed',       -- the handler returned an error: spent
        'panicked',     -- spent
        'timed_out',    -- spent
        'lost',         -- its process died or no longer knew of it: spent
        'discarded',    -- the handler gave up for good
        'undecodable',  -- the arguments do not fit the kind
        'snoozed',      -- not spent: waits for a later time
        'throttled',    -- not spent: a limit had no permit
        'released',     -- not spent: the worker shut down
        'cancelled'     -- an operator cancelled it
    )),
    code       text,       -- cause of the error, for programs
    error      text,
    log        text[]
) with (autovacuum_vacuum_scale_factor = 0.05);

create index attempt_job on queue.attempt (job, started_at);
create index attempt_ended on queue.attempt (ended_at);

-- Unique keys: the primary key admits one job for each occasion. Parts of this large table are deleted with
-- each pruned day and each claim, so vacuum runs often enough to keep its size.
create table queue.unique_key (
    kind         text   not null,
    key          text   not null check (length(key) between 1 and 400),
    job          bigint not null,
    unique_until text   not null check (unique_until in (
        'pruned',  -- until the finished job is pruned; discarded and cancelled jobs release it
        'claimed'  -- until a worker claims the job
    )),

    primary key (kind, key)
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
