-- What ended attempts leave for the ledger: the call of a key that counts from the finish, what was
-- used of tokens and money (where nobody told: what was reserved), and what the breaker hears. A row
-- that says nothing is not written. `p_at`: when the call can no longer be under way.
create function queue.settle_v1(
    r queue.running, p_at timestamptz, p_used boolean, p_fault boolean, p_tokens bigint, p_micros bigint, p_told boolean
) returns void
language sql as $$
    insert into queue.settlement (key, at, requests, tokens, micros, verdict, probe)
    select k.id, p_at, x.requests, x.tokens, x.micros, x.verdict, r.probe
    from queue.limit_key k
    cross join lateral (select
        case when p_used and k.counts = 'finish' then 1 else 0 end as requests,
        case when p_used then coalesce(p_tokens, r.tokens) else 0 end as tokens,
        case when p_used then coalesce(p_micros, r.micros) else 0 end as micros,
        case when not p_used or not p_told then null when p_fault then 'fault' else 'ok' end as verdict) x
    where k.id = r.key
        and (x.requests > 0 or x.tokens > 0 or x.micros > 0
            -- it may be under way still, and takes its place in flight until it cannot be
            or p_used and p_at > clock_timestamp() and (k.in_flight is not null
                or (select p.in_flight from queue.limit_key p where p.id = k.parent) is not null)
            or x.verdict is not null and k.trip_after is not null
            or x.verdict is not null and r.probe)
$$;

-- Completes attempts of a process: effect of `complete_in` and of the batched reports. Returns the
-- jobs whose lease still held; of the others nothing is written. `p_used`: the attempt has made a
-- call with its permit, which used `p_tokens` and `p_micros`; null: what was reserved. `touched`: jobs
-- have waited for some of these, and the caller releases them (`release_v1`) once it has committed.
create function queue.complete_v2(
    p_process uuid, p_jobs bigint[], p_leases bigint[], p_used boolean[], p_fault boolean[], p_tokens bigint[], p_micros bigint[], p_logs jsonb[])
returns table (job bigint, touched boolean)
language plpgsql set enable_seqscan = off as $$
#variable_conflict use_column
declare
    waited boolean;
    t timestamptz := clock_timestamp();
    won bigint[];
    freed integer[];
    lanes integer[];
begin
    with gone as (
        delete from queue.running r
        using unnest(p_jobs, p_leases, p_used, p_fault, p_tokens, p_micros, p_logs) u(job, lease, used, fault, tokens, micros, log)
        where r.id = u.job and r.process = p_process and r.lease = u.lease
        returning r.*, u.used, u.fault, u.tokens as real_tokens, u.micros as real_micros, u.log
    ), kept as (
        insert into queue.done (id, finished_at, process, claimed_at, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, log)
        select id, t, process, claimed_at, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at,
            case when log is not null then array(select jsonb_array_elements_text(log)) end
        from gone
    ), settled as (
        insert into queue.settlement (key, at, requests, tokens, micros, verdict, probe)
        select k.id, t, x.requests, x.tokens, x.micros, x.verdict, g.probe
        from gone g join queue.limit_key k on k.id = g.key
        cross join lateral (select
            case when k.counts = 'finish' then 1 else 0 end as requests,
            coalesce(g.real_tokens, g.tokens) as tokens,
            coalesce(g.real_micros, g.micros) as micros,
            case when g.fault then 'fault' else 'ok' end as verdict) x
        where g.used and (x.requests > 0 or x.tokens > 0 or x.micros > 0
            or x.verdict is not null and k.trip_after is not null
            or g.probe)
    ), counted as (
        insert into queue.delta (lane, kind, was, became, duration, n)
        select lane, kind, 'running', 'completed', queue.duration_class(t - claimed_at), count(*) from gone group by 1, 2, 5
    )
    select array_agg(id), array_agg(distinct key) filter (where key is not null), array_agg(distinct lane) into won, freed, lanes from gone;
    -- a freed place among the calls in flight, or under the queue's cap, may be what somebody waits for
    perform queue.wake_key(x) from unnest(freed) x;
    perform queue.wake(array[q.name]) from queue.queue q
    where q.cap is not null and q.name = any (array(select l.queue from queue.lane l where l.id = any (lanes)));
    -- A statement of its own, with a snapshot from after this transaction has got its number: that is
    -- what lets `check_edges_v1` say who can have missed an edge.
    perform from queue.edge e where e.parent = any (won) limit 1;
    waited := found;
    if waited then
        perform queue.loosen(won, true);
    end if;
    return query select u.job, waited from unnest(won) u(job);
end $$;

-- Ends an attempt whose running row has just been deleted: its row of history, and where the job
-- goes. Returns the job's new state. `p_at`: when its call can no longer be under way; `p_told`:
-- the attempt itself says how it ended.
create function queue.end_attempt_v2(
    r queue.running, p_outcome text, p_error text, p_delay interval, p_log text[],
    p_used boolean, p_fault boolean, p_tokens bigint, p_micros bigint, p_told boolean, p_at timestamptz)
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

    if r.key is not null then
        perform queue.settle_v1(r, greatest(t, p_at), p_used, p_fault, p_tokens, p_micros, p_told);
        perform queue.wake_key(r.key);
    end if;
    perform queue.wake(array[q.name]) from queue.lane l join queue.queue q on q.name = l.queue
    where l.id = r.lane and q.cap is not null;

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
        perform from queue.edge e where e.parent = r.id limit 1;
        if found then
            perform queue.loosen(array[r.id], false);
        end if;
    end if;

    -- what is given back has not run
    insert into queue.delta (lane, kind, was, became, duration, n)
    values (r.lane, r.kind, 'running', goes, case when not given_back then queue.duration_class(t - r.claimed_at) end, 1);
    return goes;
end $$;

-- Ends one attempt that did not complete its job. Returns the job's new state, or null when the
-- lease was lost: then nothing is written. It waits for nobody long enough to be part of a deadlock:
-- the attempt's own transaction may hold the unique key that is taken back here, and want the row
-- that was deleted first. Whoever reports tries again.
create function queue.fail_v2(
    p_process uuid, p_job bigint, p_lease bigint, p_outcome text, p_error text, p_delay interval, p_log text[],
    p_used boolean, p_fault boolean, p_tokens bigint, p_micros bigint)
returns text
language plpgsql set lock_timeout = '200ms' as $$
declare
    r queue.running;
begin
    delete from queue.running x where x.id = p_job and x.process = p_process and x.lease = p_lease returning x.* into r;
    if not found then
        return null;
    end if;
    return queue.end_attempt_v2(r, p_outcome, p_error, p_delay, p_log, p_used, p_fault, p_tokens, p_micros, p_outcome <> 'lost', clock_timestamp());
end $$;

-- Marks these processes dead and takes every running row whose process is missing, dead or gone.
-- Returns how many jobs it took. Nobody knows whether a lost attempt made its call: it is taken to
-- have made one that used all it reserved, and that may be under way until its timeout has passed.
--
-- What cannot be had at once is left for the next sweep: the handler of a process that was taken for
-- dead may still be writing, hold the unique key that its job takes back, and want the job's row.
create function queue.rescue_v2(p_dead uuid[]) returns integer
language plpgsql set lock_timeout = '20ms' as $$
declare
    t timestamptz := clock_timestamp();
    x record;
    r queue.running;
    n integer := 0;
begin
    begin
        update queue.process p set dead_at = clock_timestamp()
        where p.id = any (array(select id from queue.process where id = any (p_dead) and dead_at is null and ended_at is null order by id for update));
    exception when lock_not_available then null;  -- it beats
    end;
    for x in
        select y.id, y.process, y.lease,
            case when p.ended_at is null then coalesce(p.beat_at, y.claimed_at) + k.call_timeout end as until
        from queue.running y
        left join queue.process p on p.id = y.process
        left join queue.limit_key k on k.id = y.key
        where p.id is null or p.dead_at is not null or p.ended_at is not null
        order by random() limit 1000  -- so that those which cannot be had do not hide the others
    loop
        exit when clock_timestamp() > t + interval '2 seconds';
        begin
            delete from queue.running y
            where y.id = (
                select z.id from queue.running z
                where z.id = x.id and z.process = x.process and z.lease = x.lease for update skip locked)
            returning y.* into r;
            if found then
                perform queue.end_attempt_v2(r, 'lost', 'the worker died or was cut off', null, null, true, false, null, null, false, x.until);
                n := n + 1;
            end if;
        exception when lock_not_available then null;
        end;
    end loop;
    return n;
end $$;

-- For the release before, which knows neither tokens nor faults.
create or replace function queue.complete_v1(p_process uuid, p_jobs bigint[], p_leases bigint[], p_used boolean[], p_logs jsonb[])
returns setof bigint
language sql as $$
    select c.job from queue.complete_v2(p_process, p_jobs, p_leases, p_used,
        array_fill(false, array[cardinality(p_jobs)]), array_fill(null::bigint, array[cardinality(p_jobs)]),
        array_fill(null::bigint, array[cardinality(p_jobs)]), p_logs) c
$$;

create or replace function queue.fail_v1(p_process uuid, p_job bigint, p_lease bigint, p_outcome text, p_error text, p_delay interval, p_log text[], p_used boolean)
returns text
language plpgsql set lock_timeout = '200ms' as $$
declare
    r queue.running;
begin
    delete from queue.running x where x.id = p_job and x.process = p_process and x.lease = p_lease returning x.* into r;
    if not found then
        return null;
    end if;
    -- it cannot say what its call met: the breaker hears nothing
    return queue.end_attempt_v2(r, p_outcome, p_error, p_delay, p_log, p_used, false, null, null, false, clock_timestamp());
end $$;

create or replace function queue.rescue_v1(p_dead uuid[]) returns integer
language sql as $$ select queue.rescue_v2(p_dead) $$;
