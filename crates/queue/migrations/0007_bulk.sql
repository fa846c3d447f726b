-- A bulk command: applied in short steps to every job that fits a filter. Any process may continue it: a step
-- locks the row, and records in it the number that it reached.
create table queue.bulk (
    id         bigint      generated always as identity primary key,
    action     text        not null check (action in ('retry', 'cancel', 'delete')),
    filter     jsonb       not null,
    actor      text        not null,
    state      text        not null default 'running' check (state in (
        'running',
        'done',
        'cancelled'  -- by an operator; jobs changed before stay changed
    )),
    upto       bigint      not null,            -- the newest job when the command began: later jobs are left alone
    reached    bigint      not null default 0,  -- jobs up to this number have been considered
    matched    bigint      not null,            -- jobs that fitted when the command began
    changed    bigint      not null default 0,
    skipped    bigint      not null default 0,  -- jobs that fitted but could not be changed
    created_at timestamptz not null default clock_timestamp(),
    next_at    timestamptz not null default clock_timestamp(),  -- a rest between steps leaves the tables to claims
    ended_at   timestamptz
) with (fillfactor = 50);  -- each step rewrites the row in place

create index bulk_running on queue.bulk (next_at) where state = 'running';
