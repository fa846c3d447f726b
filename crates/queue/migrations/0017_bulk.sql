-- A command to every job that fits a filter, done in short steps. Any process goes on with one that
-- was begun elsewhere: a step holds the row while it lasts, and says in it how far it came.
create table queue.bulk (
    id         bigint      generated always as identity primary key,
    action     text        not null check (action in ('retry', 'cancel', 'delete')),
    filter     jsonb       not null,
    actor      text        not null,
    state      text        not null default 'running' check (state in (
        'running',
        'done',
        'cancelled'  -- somebody called it off; what it had changed stays changed
    )),
    upto       bigint      not null,            -- the newest job when it began: later ones are left alone
    reached    bigint      not null default 0,  -- jobs up to this number have had their turn
    matched    bigint      not null,            -- how many fitted when it began
    changed    bigint      not null default 0,
    skipped    bigint      not null default 0,  -- fitted, but could not be changed
    created_at timestamptz not null default clock_timestamp(),
    next_at    timestamptz not null default clock_timestamp(),  -- between two steps claims have the tables to themselves
    ended_at   timestamptz
) with (fillfactor = 50);  -- each step rewrites the row in place

create index bulk_running on queue.bulk (next_at) where state = 'running';

-- Whether a command can change a job in this state. A job that is waiting or running needs no retry,
-- one that has ended cannot be called off, one that runs is not deleted.
create function queue.applies(p_action text, p_state text) returns boolean
language sql immutable as $$
    select case p_action
        when 'retry' then p_state not in ('available', 'parked', 'running')
        when 'cancel' then p_state not in ('completed', 'discarded', 'cancelled')
        else p_state <> 'running' end
$$;

-- How many jobs with numbers up to `p_upto` fit, by the conditions of a list, and can be changed so.
create function queue.count_v1(
    p_action text, p_state text, p_kind text, p_queue text, p_tag text, p_text text, p_from timestamptz, p_to timestamptz,
    p_ids bigint[], p_upto bigint
) returns bigint
language plpgsql stable
set plan_cache_mode = force_custom_plan set jit = off  -- conditions that were not given cost nothing
as $$
begin
    if p_ids is not null then
        return (
            select count(*) from queue.job j
            where j.id = any (p_ids) and j.id <= p_upto
                and queue.applies(p_action, j.state) and (p_state is null or j.state = p_state) and (p_queue is null or j.queue = p_queue)
                and queue.fits(p_kind, p_tag, p_text, p_from, p_to, j.kind, j.tags, j.created_at, j.args, j.unique_key, j.error));
    end if;
    return (
        select count(*) from queue.job j
        where j.id <= p_upto
            and queue.applies(p_action, j.state) and (p_state is null or j.state = p_state) and (p_queue is null or j.queue = p_queue)
            and queue.fits(p_kind, p_tag, p_text, p_from, p_to, j.kind, j.tags, j.created_at, j.args, j.unique_key, j.error));
end $$;

-- The jobs that fit and can be changed so, with numbers in (p_after, p_upto], lowest first.
create function queue.matching_v1(
    p_action text, p_state text, p_kind text, p_queue text, p_tag text, p_text text, p_from timestamptz, p_to timestamptz,
    p_ids bigint[], p_after bigint, p_upto bigint
) returns setof bigint
language plpgsql stable
set plan_cache_mode = force_custom_plan set jit = off set enable_seqscan = off
as $$
begin
    if p_ids is not null then
        return query
        select j.id from queue.job j
        where j.id = any (p_ids) and j.id > p_after and j.id <= p_upto
            and queue.applies(p_action, j.state) and (p_state is null or j.state = p_state) and (p_queue is null or j.queue = p_queue)
            and queue.fits(p_kind, p_tag, p_text, p_from, p_to, j.kind, j.tags, j.created_at, j.args, j.unique_key, j.error)
        order by 1;
        return;
    end if;
    return query
    select j.id from queue.job j
    where j.id > p_after and j.id <= p_upto
        and queue.applies(p_action, j.state) and (p_state is null or j.state = p_state) and (p_queue is null or j.queue = p_queue)
        and queue.fits(p_kind, p_tag, p_text, p_from, p_to, j.kind, j.tags, j.created_at, j.args, j.unique_key, j.error)
    order by 1;
end $$;

-- Holds a job where it stands, so that what is decided about it stays true; `p_state`: only if it is
-- still in this state. Returns the table's word for its state; null: it is elsewhere, or somebody
-- else holds it. Waits for nobody.
create function queue.hold_job(p_job bigint, p_state text) returns text
language plpgsql as $$
declare
    found_in text;
begin
    for tries in 1 .. 3 loop
        if p_state is null or p_state in ('available', 'parked') then
            select 'available' into found_in
            from queue.lane l cross join generate_series(0, 9) p
            cross join lateral (
                select from queue.ready r
                where r.lane = l.id and r.priority = p and r.id = p_job limit 1 for update skip locked
            ) x limit 1;
            exit when found;
        end if;
        if p_state is null or p_state = 'pending' then
            select 'pending' into found_in from queue.pending w where w.id = p_job for update skip locked;
            exit when found;
        end if;
        if p_state is null or p_state in ('scheduled', 'retryable') then
            select 'scheduled' into found_in from queue.scheduled s
            where s.id = p_job and (p_state is null or s.retry = (p_state = 'retryable')) for update skip locked;
            exit when found;
        end if;
        if p_state is null or p_state = 'running' then
            select 'running' into found_in from queue.running r where r.id = p_job for update skip locked;
            exit when found;
        end if;
        if p_state is null or p_state = 'completed' then
            select 'completed' into found_in from queue.done d where d.id = p_job for update skip locked;
            exit when found;
        end if;
        if p_state is null or p_state in ('discarded', 'cancelled') then
            select f.state into found_in from queue.failed f
            where f.id = p_job and (p_state is null or f.state = p_state) for update skip locked;
            exit when found;
        end if;
        -- it was moving, or it is held for a moment by who moves it
        perform pg_sleep(0.002);
    end loop;
    return found_in;
end $$;

-- Removes a job for good, from every table. A waiting one is called off first, so that whoever waits
-- for it hears of it; a running one is left alone. Returns whether it is gone.
create function queue.delete_v1(p_job bigint, p_state text) returns boolean
language plpgsql as $$
#variable_conflict use_column
declare
    stands text := queue.hold_job(p_job, p_state);
    f queue.failed;
    d queue.done;
begin
    if stands is null or stands = 'running' then
        return false;
    end if;
    if stands not in ('completed', 'discarded', 'cancelled') then
        perform queue.cancel_v1(p_job, 'deleted');
    end if;
    delete from queue.done x where x.id = p_job returning x.* into d;
    if found then
        delete from queue.unique_key u where u.kind = d.kind and u.key = d.unique_key and u.job = d.id;
        insert into queue.delta (lane, kind, was, became, n) values (d.lane, d.kind, 'completed', null, 1);
    else
        delete from queue.failed x where x.id = p_job returning x.* into f;
        if not found then
            return false;
        end if;
        delete from queue.unique_key u where u.kind = f.kind and u.key = f.unique_key and u.job = f.id;
        insert into queue.delta (lane, kind, was, became, n) values (f.lane, f.kind, f.state, null, 1);
    end if;
    -- Who waits for it all the same, until somebody retries it, hears that it is no longer kept.
    insert into queue.unchecked (child) select e.child from queue.edge e where e.parent = p_job;
    delete from queue.edge e where e.child = p_job;
    delete from queue.payload p where p.job = p_job;
    delete from queue.attempt a where a.job = p_job;
    return true;
end $$;

-- Does one thing to each of these jobs that is still in `p_state` (null: wherever it is). Returns how
-- many it changed. What it would have to wait for, it gives up: the caller tries again.
create function queue.apply_v1(p_action text, p_jobs bigint[], p_state text) returns integer
language plpgsql set lock_timeout = '250ms' as $$
declare
    job bigint;
    n integer := 0;
    applied boolean;
begin
    foreach job in array p_jobs loop
        applied := false;
        if p_action = 'delete' then
            applied := queue.delete_v1(job, p_state);
        elsif p_state is null or queue.hold_job(job, p_state) is not null then
            if p_action = 'retry' then
                select r.applied into applied from queue.retry_v1(job) r;
            else
                select c.applied into applied from queue.cancel_v1(job, 'called off') c;
            end if;
        end if;
        n := n + case when applied then 1 else 0 end;
    end loop;
    return n;
end $$;
