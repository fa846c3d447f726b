-- Deletes one waiting job from `ready` and returns it; found by a probe for each lane and priority.
create or replace function queue.take_ready(p_job bigint) returns setof queue.ready
language sql as $$
    delete from queue.ready r
    where r.ctid = any (array(
        select x.tid from queue.lane l cross join generate_series(0, 9) p
        cross join lateral (
            select r.ctid as tid from queue.ready r
            where r.lane = l.id and r.priority = p and r.id = p_job limit 1 for update
        ) x))
    returning r.*
$$;

-- Cancels a job. Returns its state and `applied`, true if the command had an effect; no row: no such job. A
-- running job is flagged and its process notified. Jobs that wait for the cancelled job treat it as failed.
create or replace function queue.cancel(p_job bigint, p_why text) returns table (state text, applied boolean)
language plpgsql as $$
#variable_conflict use_column
declare
    t timestamptz := clock_timestamp();
    was text;
    a queue.ready;
    s queue.scheduled;
    w queue.pending;
    f text;
begin
    perform queue.require_read_committed('a cancellation');
    for tries in 1 .. 20 loop
        was := null;
        select * into a from queue.take_ready(p_job);
        if found then
            was := 'available';
            insert into queue.failed (id, finished_at, state, error, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at)
            values (a.id, t, 'cancelled', p_why, a.lane, a.priority, a.kind, a.attempt, a.max_attempts, a.args, a.unique_key, a.unique_until, a.tags, a.parent, a.trace, a.created_at);
            delete from queue.unique_key u where u.kind = a.kind and u.key = a.unique_key and u.job = a.id;
            insert into queue.delta (lane, kind, was, became, n) values (a.lane, a.kind, was, 'cancelled', 1);
        end if;
        if was is null then
            delete from queue.scheduled x where x.id = p_job returning x.* into s;
            if found then
                was := case when s.retry then 'retryable' else 'scheduled' end;
                insert into queue.failed (id, finished_at, state, error, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at)
                values (s.id, t, 'cancelled', p_why, s.lane, s.priority, s.kind, s.attempt, s.max_attempts, s.args, s.unique_key, s.unique_until, s.tags, s.parent, s.trace, s.created_at);
                delete from queue.unique_key u where u.kind = s.kind and u.key = s.unique_key and u.job = s.id;
                insert into queue.delta (lane, kind, was, became, n) values (s.lane, s.kind, was, 'cancelled', 1);
            end if;
        end if;
        if was is null then
            delete from queue.pending x where x.id = p_job returning x.* into w;
            if found then
                was := 'pending';
                insert into queue.failed (id, finished_at, state, error, due_at, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at)
                values (w.id, t, 'cancelled', p_why, w.due_at, w.lane, w.priority, w.kind, 0, w.max_attempts, w.args, w.unique_key, w.unique_until, w.tags, w.parent, w.trace, w.created_at);
                delete from queue.unique_key u where u.kind = w.kind and u.key = w.unique_key and u.job = w.id;
                insert into queue.delta (lane, kind, was, became, n) values (w.lane, w.kind, was, 'cancelled', 1);
            end if;
        end if;
        if was is not null then
            perform from queue.edge e where e.parent = p_job limit 1;
            if found then
                perform queue.unblock_dependents(array[p_job], false);
            end if;
            return query select 'cancelled', true;
            return;
        end if;

        update queue.running x set cancel = true where x.id = p_job;
        if found then
            perform pg_notify('queue_cancel', '');
            return query select 'running', true;
            return;
        end if;
        select x.state into f from queue.failed x where x.id = p_job
        union all select 'completed' from queue.done x where x.id = p_job;
        if found then
            return query select f, false;
            return;
        end if;
        -- The job was moving between two tables, or does not exist.
        perform from queue.job j where j.id = p_job;
        exit when not found;
    end loop;
end $$;

-- Makes a job available now, with one more attempt if its attempts are spent; a pending job no longer waits
-- for others. A job that was cancelled while it waited waits again for those of its parents that have not
-- ended: a flow that is retried as a whole keeps its order. Returns its state and `applied`, true if the
-- command had an effect; no row: no such job.
create or replace function queue.retry(p_job bigint) returns table (state text, applied boolean)
language plpgsql as $$
#variable_conflict use_column
declare
    t timestamptz := clock_timestamp();
    was text;
    j record;
    f queue.failed;
    s queue.scheduled;
    w queue.pending;
    d queue.done;
begin
    for tries in 1 .. 20 loop
        was := null;
        delete from queue.scheduled x where x.id = p_job returning x.* into s;
        if found then
            was := case when s.retry then 'retryable' else 'scheduled' end;
            insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at, available_at, error)
            values (s.id, s.lane, s.priority, s.kind, s.attempt, s.max_attempts, s.args, s.unique_key, s.unique_until, s.tags, s.parent, s.trace, s.created_at, t, s.error);
            insert into queue.delta (lane, kind, was, became, n) values (s.lane, s.kind, was, 'available', 1);
            perform queue.wake(array(select queue from queue.lane where id = s.lane));
            return query select 'available', true;
            return;
        end if;

        delete from queue.pending x where x.id = p_job returning x.* into w;
        if found then
            -- Its edges are deleted when its parents end; a release moves only pending children.
            insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at, available_at)
            values (w.id, w.lane, w.priority, w.kind, 0, w.max_attempts, w.args, w.unique_key, w.unique_until, w.tags, w.parent, w.trace, w.created_at, t);
            insert into queue.delta (lane, kind, was, became, n) values (w.lane, w.kind, 'pending', 'available', 1);
            perform queue.wake(array(select queue from queue.lane where id = w.lane));
            return query select 'available', true;
            return;
        end if;

        select x.* into f from queue.failed x where x.id = p_job for update;
        if found then
            if f.unique_key is not null then
                insert into queue.unique_key (kind, key, job, unique_until) values (f.kind, f.unique_key, f.id, f.unique_until) on conflict do nothing;
                perform from queue.unique_key u where u.kind = f.kind and u.key = f.unique_key and u.job = f.id;
                if not found then
                    continue when queue.free_detached_keys(array[f.kind], array[f.unique_key]);
                    -- a newer job holds the unique key
                    return query select f.state, false;
                    return;
                end if;
            end if;
            delete from queue.failed x where x.id = p_job;
            perform queue.reopen_batches(p_job, false);
            if f.state = 'cancelled' and f.attempt = 0 and queue.wait_again(p_job) then
                insert into queue.pending (id, due_at, lane, priority, kind, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at)
                values (f.id, f.due_at, f.lane, f.priority, f.kind, f.max_attempts, f.args, f.unique_key, f.unique_until, f.tags, f.parent, f.trace, f.created_at);
                insert into queue.delta (lane, kind, was, became, n) values (f.lane, f.kind, f.state, 'pending', 1);
                return query select 'pending', true;
                return;
            end if;
            insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at, available_at, error)
            values (f.id, f.lane, f.priority, f.kind, f.attempt, greatest(f.max_attempts, f.attempt + 1), f.args, f.unique_key, f.unique_until, f.tags, f.parent, f.trace, f.created_at, t, f.error);
            insert into queue.delta (lane, kind, was, became, n) values (f.lane, f.kind, f.state, 'available', 1);
            perform queue.wake(array(select queue from queue.lane where id = f.lane));
            return query select 'available', true;
            return;
        end if;

        select x.* into d from queue.done x where x.id = p_job for update;
        if found then
            if d.unique_until = 'claimed' then
                insert into queue.unique_key (kind, key, job, unique_until) values (d.kind, d.unique_key, d.id, d.unique_until) on conflict do nothing;
                perform from queue.unique_key u where u.kind = d.kind and u.key = d.unique_key and u.job = d.id;
                if not found then
                    return query select 'completed', false;
                    return;
                end if;
            end if;
            delete from queue.done x where x.id = p_job;
            perform queue.reopen_batches(p_job, true);
            insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at, available_at)
            values (d.id, d.lane, d.priority, d.kind, d.attempt, greatest(d.max_attempts, d.attempt + 1), d.args, d.unique_key, d.unique_until, d.tags, d.parent, d.trace, d.created_at, t);
            insert into queue.attempt (job, number, process, started_at, ended_at, outcome, error, log)
            values (d.id, d.attempt, d.process, d.claimed_at, d.finished_at, 'completed', null, d.log);
            insert into queue.delta (lane, kind, was, became, n) values (d.lane, d.kind, 'completed', 'available', 1);
            perform queue.wake(array(select queue from queue.lane where id = d.lane));
            return query select 'available', true;
            return;
        end if;

        select x.state into j from queue.job x where x.id = p_job;
        exit when not found;
        if j.state in ('available', 'parked', 'running') then
            return query select j.state, false;
            return;
        end if;
    end loop;
end $$;

-- Locks a job's row where it is, so that a decision about it stays true; `p_state`: only if it is in this
-- state. Returns its state as its table tells it ('available' for parked, 'scheduled' for retryable too);
-- null: the job is elsewhere, or another transaction holds it. Waits for no lock.
create or replace function queue.lock_job(p_job bigint, p_state text) returns text
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
        -- it was moving, or the transaction that moves it holds it for a moment
        perform pg_sleep(0.002);
    end loop;
    return found_in;
end $$;

-- Deletes a job from every table. A waiting job is cancelled first, so that the jobs that wait for it are
-- released or cancelled; a running job is left alone. Returns true if the job was deleted.
create or replace function queue.delete_job(p_job bigint, p_state text) returns boolean
language plpgsql as $$
#variable_conflict use_column
declare
    stands text := queue.lock_job(p_job, p_state);
    f queue.failed;
    d queue.done;
begin
    perform queue.require_read_committed('a deletion');
    if stands is null or stands = 'running' then
        return false;
    end if;
    if stands not in ('completed', 'discarded', 'cancelled') then
        perform queue.cancel(p_job, 'deleted');
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
    -- A child whose edge stayed (`pause`) is rechecked: its parent is no longer kept.
    insert into queue.edge_recheck (child) select e.child from queue.edge e where e.parent = p_job;
    -- edges to a batch count its progress, with or without a following job
    delete from queue.edge e where e.child = p_job and not exists (select from queue.batch b where b.id = p_job);
    delete from queue.cascaded_edge w where w.child = p_job;
    delete from queue.batch_job m where m.job = p_job;
    delete from queue.payload p where p.job = p_job;
    delete from queue.attempt a where a.job = p_job;
    return true;
end $$;

-- True if a command can change a job in this state. An available, parked or running job needs no retry, an
-- ended job cannot be cancelled, and a running job cannot be deleted.
create or replace function queue.command_applies(p_action text, p_state text) returns boolean
language sql immutable as $$
    select case p_action
        when 'retry' then p_state not in ('available', 'parked', 'running')
        when 'cancel' then p_state not in ('completed', 'discarded', 'cancelled')
        else p_state <> 'running' end
$$;

-- Applies a command to each of these jobs that is still in `p_state` (null: in any state). Returns the number
-- of jobs changed. Fails if it would wait for a lock longer than 250 ms; the caller tries again.
create or replace function queue.apply_command(p_action text, p_jobs bigint[], p_state text) returns integer
language plpgsql set lock_timeout = '250ms' as $$
declare
    job bigint;
    n integer := 0;
    applied boolean;
begin
    foreach job in array p_jobs loop
        applied := false;
        if p_action = 'delete' then
            applied := queue.delete_job(job, p_state);
        elsif p_state is null or queue.lock_job(job, p_state) is not null then
            if p_action = 'retry' then
                select r.applied into applied from queue.retry(job) r;
            else
                select c.applied into applied from queue.cancel(job, 'cancelled by a bulk command') c;
            end if;
        end if;
        n := n + case when applied then 1 else 0 end;
    end loop;
    return n;
end $$;
