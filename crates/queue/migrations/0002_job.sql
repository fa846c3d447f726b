-- A job lives in exactly one of ready, scheduled, running, done and failed, and moves between
-- them. The view queue.job shows them as one.
create sequence queue.job_id as bigint;

-- A job that a worker may claim now. Rows are inserted and deleted, never updated.
create table queue.ready (
    id           bigint      not null,
    lane         integer     not null,
    priority     smallint    not null check (priority between 0 and 9),  -- 0 is first
    kind         text        not null,
    attempt      smallint    not null,  -- attempts made so far
    max_attempts smallint    not null,
    args         jsonb,                 -- null: in payload
    unique_key   text,
    holds        text        check (holds in ('pruned', 'claimed')),
    tags         text[],
    parent       bigint,                -- the job whose attempt added it
    trace        text,                  -- W3C trace context of whoever added it
    created_at   timestamptz not null,
    available_at timestamptz not null,  -- since when it could have been claimed
    error        text                   -- of its last attempt
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- The claim's order. It is also the way to one job: ten priorities in each lane are probes.
create unique index ready_claim on queue.ready (lane, priority, id);

-- A job that waits for its time: scheduled, or retryable after a failed attempt.
create table queue.scheduled (
    id           bigint      primary key,
    due_at       timestamptz not null,
    retry        boolean     not null,  -- true: retryable, an attempt has failed
    lane         integer     not null,
    priority     smallint    not null,
    kind         text        not null,
    attempt      smallint    not null,
    max_attempts smallint    not null,
    args         jsonb,
    unique_key   text,
    holds        text,
    tags         text[],
    parent       bigint,
    trace        text,
    created_at   timestamptz not null,
    error        text
);

create index scheduled_due on queue.scheduled (due_at);

-- An attempt in flight. (id, process, lease) is its fence: whoever writes as the attempt names all
-- three, and no row means that the lease was lost.
create table queue.running (
    id           bigint      primary key,
    process      uuid        not null,
    lease        bigint      not null,  -- counts claims in the process's memory
    claimed_at   timestamptz not null,
    cancel       boolean     not null default false,  -- somebody has called it off
    key          integer,               -- the limit key that served the claim
    granted_at   timestamptz,           -- the grant's row, for keys that count from the start
    lane         integer     not null,
    priority     smallint    not null,
    kind         text        not null,
    attempt      smallint    not null,  -- this attempt's number
    max_attempts smallint    not null,
    args         jsonb,
    unique_key   text,
    holds        text,
    tags         text[],
    parent       bigint,
    trace        text,
    created_at   timestamptz not null,
    available_at timestamptz not null
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

create index running_process on queue.running (process);
create index running_key on queue.running (key) where key is not null;

-- A completed job, by the day it finished.
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
    holds        text,
    tags         text[],
    parent       bigint,
    trace        text,
    created_at   timestamptz not null,
    log          text[]
) partition by range (finished_at);

create index done_id on queue.done (id);
create index done_parent on queue.done (parent) where parent is not null;
create table queue.done_default partition of queue.done default;

-- A job that ended otherwise: discarded or cancelled. Kept longer than completed ones.
create table queue.failed (
    id           bigint      not null,
    finished_at  timestamptz not null,
    state        text        not null check (state in ('discarded', 'cancelled')),
    error        text,       -- the last error, or why it was cancelled
    lane         integer     not null,
    priority     smallint    not null,
    kind         text        not null,
    attempt      smallint    not null,
    max_attempts smallint    not null,
    args         jsonb,
    unique_key   text,
    holds        text,
    tags         text[],
    parent       bigint,
    trace        text,
    created_at   timestamptz not null
) partition by range (finished_at);

create index failed_id on queue.failed (id);
create index failed_parent on queue.failed (parent) where parent is not null;
create table queue.failed_default partition of queue.failed default;

-- Arguments too large to be moved with their job: written once, read at the claim.
create table queue.payload (
    job  bigint primary key,
    args jsonb  not null
);

-- An attempt that did not end its job: what done and failed cannot say.
create table queue.attempt (
    job        bigint      not null,
    number     smallint    not null,
    process    uuid,
    started_at timestamptz not null,
    ended_at   timestamptz not null default clock_timestamp(),
    outcome    text        not null check (outcome in (
        'completed',    -- and the job was run again later; else its row in done says so
        'failed',       -- the handler returned an error: spent
        'panicked',     -- spent
        'timed_out',    -- spent
        'lost',         -- its process died, or forgot it: spent
        'discarded',    -- the handler said never again
        'undecodable',  -- the arguments do not fit the kind
        'snoozed',      -- given back, until later
        'throttled',    -- given back, a limit stood in the way
        'released',     -- given back, the worker shut down
        'cancelled'     -- somebody called it off
    )),
    error      text,
    log        text[]
);

create index attempt_job on queue.attempt (job, started_at);

-- Which occasion a job stands for. The primary key admits one job for each.
create table queue.unique_key (
    kind  text   not null,
    key   text   not null check (length(key) between 1 and 400),
    job   bigint not null,
    holds text   not null check (holds in (
        'pruned',  -- until the finished job is pruned; discarded and cancelled jobs give it up
        'claimed'  -- until a worker claims the job
    )),

    primary key (kind, key)
);

-- Makes sure that history has a partition for each of the next days (UTC). A day whose rows are in
-- the default partition already is left there. A new partition needs its parent for itself, so the
-- wait for it is short: what cannot be had now is had next time, days before it is needed.
create function queue.partition_v1(p_days integer default 14) returns void
language plpgsql set lock_timeout = '100ms' as $$
declare
    today date := clock_timestamp() at time zone 'UTC';
    d date;
    t text;
begin
    for t in select unnest(array['done', 'failed']) loop
        for d in select generate_series(today, today + p_days, interval '1 day')::date loop
            if to_regclass(format('queue.%I', t || '_' || to_char(d, 'YYYYMMDD'))) is null then
                begin
                    execute format('create table queue.%I partition of queue.%I for values from (%L) to (%L)',
                        t || '_' || to_char(d, 'YYYYMMDD'), t, d || ' 00:00:00+00', (d + 1) || ' 00:00:00+00');
                exception when check_violation or duplicate_table or invalid_object_definition or lock_not_available then null;
                end;
            end if;
        end loop;
    end loop;
end $$;

select queue.partition_v1();
