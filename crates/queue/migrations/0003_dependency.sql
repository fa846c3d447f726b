-- Edge: the child waits for the parent. The transaction that ends the parent deletes the row; there is no
-- counter, so no two transactions wait for each other.
create table queue.edge (
    parent     bigint not null,
    child      bigint not null,
    on_failure text   not null check (on_failure in (
        'cascade',  -- the child is cancelled when the parent ends without having completed
        'ignore',   -- the child is released, as if the parent had completed
        'pause'     -- the edge stays: the child waits until an operator retries the parent, or the child itself
    )),

    primary key (parent, child)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

create index edge_child on queue.edge (child);

-- A child that lost an edge. The row is written by the transaction that deletes the edge and taken by the
-- transaction that moves the child after the commit; if a process dies in between, another process takes it.
create table queue.unblocked (
    id     bigint generated always as identity primary key,
    child  bigint not null,
    failed bigint  -- the parent whose failure cancels it
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- A child whose parent may have ended while the edge was being written: the end could not see the edge.
-- Rechecked until every transaction that was under way then is over.
create table queue.edge_recheck (
    id            bigint      generated always as identity primary key,
    child         bigint      not null,
    until         xid8,       -- the first transaction that must have seen the edges; null: not checked yet
    checks        smallint    not null default 0,
    next_check_at timestamptz not null default clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

create index edge_recheck_next on queue.edge_recheck (next_check_at);

-- An edge that was cut by a failure and cancelled its child. A retry of the child makes it wait for the
-- parent again.
create table queue.cascaded_edge (
    child  bigint not null,
    parent bigint not null,

    primary key (child, parent)
);

-- A batch of jobs tracked together. They are the parents of the job that follows, whose number is the
-- batch's; without such a job the batch has a number of its own.
create table queue.batch (
    id          bigint      primary key default nextval('queue.job_id'),
    name        text        not null check (length(name) between 1 and 200),
    on_failure  text        not null check (on_failure in ('cascade', 'ignore', 'pause')),
    -- as of the last fold
    total       bigint      not null default 0,
    done        bigint      not null default 0,  -- members that completed
    failed      bigint      not null default 0,  -- members that ended otherwise
    created_at  timestamptz not null default clock_timestamp(),
    finished_at timestamptz
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

create index batch_created on queue.batch (created_at);

create table queue.batch_job (
    job   bigint not null,
    batch bigint not null,

    primary key (job, batch)
);

create index batch_job_batch on queue.batch_job (batch, job);

-- Change of a batch by one statement: appended, so that the jobs of a batch share no row.
create table queue.batch_delta (
    batch  bigint  not null,
    total  integer not null default 0,
    done   integer not null default 0,
    failed integer not null default 0
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
