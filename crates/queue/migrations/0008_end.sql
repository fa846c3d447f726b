-- Completes attempts of a process: effect of `complete_in` and of the batched reports. Returns the
-- jobs whose lease still held; of the others nothing is written. `p_used`: the attempt has made a
-- call with its permit.
create function queue.complete_v1(p_process uuid, p_jobs bigint[], p_leases bigint[], p_used boolean[], p_logs jsonb[])
returns setof bigint
language plpgsql set enable_seqscan = off as $$
declare
    t timestamptz := clock_timestamp();
    won bigint[];
    freed integer[];
begin
    with gone as (
        delete from queue.running r
        using unnest(p_jobs, p_leases, p_used, p_logs) u(job, lease, used, log)
        where r.id = u.job and r.process = p_process and r.lease = u.lease
        returning r.*, u.used, u.log
    ), kept as (
        insert into queue.done (id, finished_at, process, claimed_at, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, log)
        select id, t, process, claimed_at, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at,
            case when log is not null then array(select jsonb_array_elements_text(log)) end
        from gone
    ), settled as (
        insert into queue.settlement (key, at, requests)
        select g.key, t, 1 from gone g join queue.limit_key k on k.id = g.key and k.counts = 'finish' where g.used
    ), counted as (
        insert into queue.delta (lane, kind, was, became, duration, n)
        select lane, kind, 'running', 'completed', queue.duration_class(t - claimed_at), count(*) from gone group by 1, 2, 5
    )
    select array_agg(id), array_agg(distinct key) filter (where key is not null) into won, freed from gone;
    -- a freed place among the calls in flight may be what somebody waits for
    perform queue.wake_key(x) from unnest(freed) x;
    return query select unnest(won);
end $$;

-- Ends an attempt whose running row has just been deleted: its row of history, and where the job
-- goes. Returns the job's new state.
create function queue.end_attempt(r queue.running, p_outcome text, p_error text, p_delay interval, p_log text[], p_used boolean)
returns text
language plpgsql as $$
declare
    t timestamptz := clock_timestamp();
    given_back boolean := p_outcome in ('snoozed', 'throttled', 'released');
    goes text;
    why text := p_error;
    made smallint := r.attempt - case when given_back then 1 else 0 end;
begin
    insert into queue.attempt (job, number, process, started_at, ended_at, outcome, error, log)
    values (r.id, r.attempt, r.process, r.claimed_at, t, p_outcome, p_error, p_log);

    -- A key that counts from the finish counts a call from its end; a lost attempt is taken to
    -- have made one.
    if r.key is not null then
        if p_used then
            insert into queue.settlement (key, at, requests)
            select k.id, t, 1 from queue.limit_key k where k.id = r.key and k.counts = 'finish';
        end if;
        perform queue.wake_key(r.key);
    end if;

    goes := case
        when p_outcome = 'cancelled' or r.cancel then 'cancelled'
        when p_outcome in ('discarded', 'undecodable') then 'discarded'
        when p_outcome in ('throttled', 'released') then 'available'
        when p_outcome = 'snoozed' then case when made > 0 then 'retryable' else 'scheduled' end
        when r.attempt >= r.max_attempts then 'discarded'
        when p_outcome = 'lost' then 'available'
        else 'retryable'
    end;

    -- Waiting again, a key that was given up at the claim is taken again. If another job has it
    -- meanwhile, that one stands for the occasion.
    if r.holds = 'claimed' and goes in ('available', 'scheduled', 'retryable') then
        insert into queue.unique_key (kind, key, job, holds)
        values (r.kind, r.unique_key, r.id, 'claimed') on conflict do nothing;
        if not found then
            goes := 'cancelled';
            why := 'superseded';
        end if;
    end if;

    if goes = 'available' then
        insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, available_at, error)
        values (r.id, r.lane, r.priority, r.kind, made, r.max_attempts, r.args, r.unique_key, r.holds, r.tags, r.parent, r.trace, r.created_at, t, p_error);
        perform queue.wake(array(select queue from queue.lane where id = r.lane));
    elsif goes in ('scheduled', 'retryable') then
        insert into queue.scheduled (id, due_at, retry, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, error)
        values (r.id,
            t + coalesce(p_delay, (r.attempt::float8 ^ 4) * interval '1 second' * (0.9 + 0.2 * random())),
            goes = 'retryable', r.lane, r.priority, r.kind, made, r.max_attempts, r.args, r.unique_key, r.holds, r.tags, r.parent, r.trace, r.created_at, p_error);
    else
        insert into queue.failed (id, finished_at, state, error, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at)
        values (r.id, t, goes, why, r.lane, r.priority, r.kind, r.attempt, r.max_attempts, r.args, r.unique_key, r.holds, r.tags, r.parent, r.trace, r.created_at);
        delete from queue.unique_key u where u.kind = r.kind and u.key = r.unique_key and u.job = r.id;
    end if;

    insert into queue.delta (lane, kind, was, became, duration, n)
    values (r.lane, r.kind, 'running', goes, queue.duration_class(t - r.claimed_at), 1);
    return goes;
end $$;

-- Ends one attempt that did not complete its job. Returns the job's new state, or null when the
-- lease was lost: then nothing is written.
create function queue.fail_v1(p_process uuid, p_job bigint, p_lease bigint, p_outcome text, p_error text, p_delay interval, p_log text[], p_used boolean)
returns text
language plpgsql as $$
declare
    r queue.running;
begin
    delete from queue.running x where x.id = p_job and x.process = p_process and x.lease = p_lease returning x.* into r;
    if not found then
        return null;
    end if;
    return queue.end_attempt(r, p_outcome, p_error, p_delay, p_log, p_used);
end $$;

-- Marks these processes dead and takes every running row whose process is missing, dead or gone.
-- Returns how many jobs it took.
create function queue.rescue_v1(p_dead uuid[]) returns integer
language plpgsql as $$
declare
    r queue.running;
    n integer := 0;
begin
    update queue.process p set dead_at = clock_timestamp()
    where p.id = any (array(select id from queue.process where id = any (p_dead) and dead_at is null and ended_at is null order by id for update));
    for r in
        delete from queue.running x
        where x.id = any (array(
            select x.id from queue.running x left join queue.process p on p.id = x.process
            where p.id is null or p.dead_at is not null or p.ended_at is not null
            order by x.id for update of x skip locked limit 1000))
        returning x.*
    loop
        perform queue.end_attempt(r, 'lost', 'the worker died or was cut off', null, null, true);
        n := n + 1;
    end loop;
    return n;
end $$;
