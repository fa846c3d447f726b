-- One waiting job, deleted from where it is claimed; its index is probed lane by lane.
create function queue.take_ready(p_job bigint) returns setof queue.ready
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

-- Calls a job off. Returns the state it has now and whether the command applied; no row: no such
-- job. A running job is flagged, and its process told.
create function queue.cancel_v1(p_job bigint, p_why text) returns table (state text, applied boolean)
language plpgsql as $$
#variable_conflict use_column
declare
    t timestamptz := clock_timestamp();
    a queue.ready;
    s queue.scheduled;
    f text;
begin
    for tries in 1 .. 20 loop
        select * into a from queue.take_ready(p_job);
        if found then
            insert into queue.failed (id, finished_at, state, error, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at)
            values (a.id, t, 'cancelled', p_why, a.lane, a.priority, a.kind, a.attempt, a.max_attempts, a.args, a.unique_key, a.holds, a.tags, a.parent, a.trace, a.created_at);
            delete from queue.unique_key u where u.kind = a.kind and u.key = a.unique_key and u.job = a.id;
            insert into queue.delta (lane, kind, was, became, n) values (a.lane, a.kind, 'available', 'cancelled', 1);
            return query select 'cancelled', true;
            return;
        end if;
        delete from queue.scheduled x where x.id = p_job returning x.* into s;
        if found then
            insert into queue.failed (id, finished_at, state, error, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at)
            values (s.id, t, 'cancelled', p_why, s.lane, s.priority, s.kind, s.attempt, s.max_attempts, s.args, s.unique_key, s.holds, s.tags, s.parent, s.trace, s.created_at);
            delete from queue.unique_key u where u.kind = s.kind and u.key = s.unique_key and u.job = s.id;
            insert into queue.delta (lane, kind, was, became, n)
            values (s.lane, s.kind, case when s.retry then 'retryable' else 'scheduled' end, 'cancelled', 1);
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
        -- It was moving between two tables while we looked, or there is no such job.
        perform from queue.job j where j.id = p_job;
        exit when not found;
    end loop;
end $$;

-- Makes a job available now, with one more attempt if its attempts are spent. Returns the state it
-- has now and whether the command applied; no row: no such job.
create function queue.retry_v1(p_job bigint) returns table (state text, applied boolean)
language plpgsql as $$
#variable_conflict use_column
declare
    t timestamptz := clock_timestamp();
    was text;
    j record;
    f queue.failed;
    s queue.scheduled;
    d queue.done;
begin
    for tries in 1 .. 20 loop
        was := null;
        delete from queue.scheduled x where x.id = p_job returning x.* into s;
        if found then
            was := case when s.retry then 'retryable' else 'scheduled' end;
            insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, available_at, error)
            values (s.id, s.lane, s.priority, s.kind, s.attempt, s.max_attempts, s.args, s.unique_key, s.holds, s.tags, s.parent, s.trace, s.created_at, t, s.error);
            insert into queue.delta (lane, kind, was, became, n) values (s.lane, s.kind, was, 'available', 1);
            perform queue.wake(array(select queue from queue.lane where id = s.lane));
            return query select 'available', true;
            return;
        end if;

        select x.* into f from queue.failed x where x.id = p_job for update;
        if found then
            if f.unique_key is not null then
                insert into queue.unique_key (kind, key, job, holds) values (f.kind, f.unique_key, f.id, f.holds) on conflict do nothing;
                perform from queue.unique_key u where u.kind = f.kind and u.key = f.unique_key and u.job = f.id;
                if not found then  -- a newer job stands for the occasion
                    return query select f.state, false;
                    return;
                end if;
            end if;
            delete from queue.failed x where x.id = p_job;
            insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, available_at, error)
            values (f.id, f.lane, f.priority, f.kind, f.attempt, greatest(f.max_attempts, f.attempt + 1), f.args, f.unique_key, f.holds, f.tags, f.parent, f.trace, f.created_at, t, f.error);
            insert into queue.delta (lane, kind, was, became, n) values (f.lane, f.kind, f.state, 'available', 1);
            perform queue.wake(array(select queue from queue.lane where id = f.lane));
            return query select 'available', true;
            return;
        end if;

        select x.* into d from queue.done x where x.id = p_job for update;
        if found then
            if d.holds = 'claimed' then
                insert into queue.unique_key (kind, key, job, holds) values (d.kind, d.unique_key, d.id, d.holds) on conflict do nothing;
                perform from queue.unique_key u where u.kind = d.kind and u.key = d.unique_key and u.job = d.id;
                if not found then
                    return query select 'completed', false;
                    return;
                end if;
            end if;
            delete from queue.done x where x.id = p_job;
            insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, available_at)
            values (d.id, d.lane, d.priority, d.kind, d.attempt, greatest(d.max_attempts, d.attempt + 1), d.args, d.unique_key, d.holds, d.tags, d.parent, d.trace, d.created_at, t);
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
