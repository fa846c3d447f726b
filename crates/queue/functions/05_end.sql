-- The end of attempts: completed in batches, failed in batches, rescued from dead processes.

-- Refuses a transaction whose snapshot can be older than its own number: an end that cannot see the edges
-- written before it would leave a child waiting for ever.
create or replace function queue.require_read_committed(p_what text) returns void
language plpgsql as $$
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception '% needs a transaction at read committed, not %', p_what, current_setting('transaction_isolation')
            using errcode = '25001', hint = 'begin the transaction without an isolation level of its own';
    end if;
end $$;

-- Writes the settlement of an ended attempt: its call, if the key counts from the finish; the tokens and
-- money that it used, or that were reserved if it did not report them; the verdict for the breaker. Without
-- any of these there is no row. `p_at`: the time from which the call can no longer be under way.
create or replace function queue.settle(
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
            -- the call may still be under way, and counts as in flight until `p_at`
            or p_used and p_at > clock_timestamp() and (k.in_flight is not null
                or (select p.in_flight from queue.limit_key p where p.id = k.parent) is not null)
            or x.verdict is not null and k.trip_after is not null
            or x.verdict is not null and r.probe)
$$;

-- Completes attempts of a process, for `complete_in` and for batched reports. Returns the jobs whose lease
-- still held; for the others nothing is written. `p_used`: the attempt made a call with its permit, which
-- used `p_tokens` and `p_micros`; null: what was reserved. `touched`: other jobs waited for some of these,
-- and the caller must call `release_unblocked` after its commit. Without `p_wait`, rows that another
-- transaction holds are skipped and stay in `running`.
--
-- Each row is found by a probe with its number and deleted where it was found, so that no plan, whenever it
-- was made, reads the whole table.
create or replace function queue.complete(
    p_process uuid, p_jobs bigint[], p_leases bigint[], p_used boolean[], p_fault boolean[], p_tokens bigint[], p_micros bigint[], p_logs jsonb[],
    p_wait boolean default true, p_outputs jsonb[] default null)
returns table (job bigint, touched boolean)
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
#variable_conflict use_column
declare
    waited boolean;
    t timestamptz;
    won bigint[];
    freed integer[];
    lanes integer[];
begin
    perform queue.require_read_committed('a completion') where current_setting('transaction_isolation') <> 'read committed';
    if p_wait then
        perform from unnest(p_jobs) j cross join lateral (select from queue.running r where r.id = j for update) x;
    end if;
    t := clock_timestamp();
    with gone as (
        delete from queue.running r
        using (
            select x.tid, u.*
            from unnest(p_jobs, p_leases, p_used, p_fault, p_tokens, p_micros, p_logs, p_outputs)
                u(job, lease, used, fault, real_tokens, real_micros, log, output)
            cross join lateral (
                select y.ctid as tid from queue.running y
                where y.id = u.job and y.process = p_process and y.lease = u.lease limit 1 for update skip locked
            ) x offset 0
        ) u
        where r.ctid = u.tid
        returning r.*, u.used, u.fault, u.real_tokens, u.real_micros, u.log, u.output
    ), kept as (
        insert into queue.done (id, finished_at, process, claimed_at, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at, log, output)
        select id, t, process, claimed_at, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at,
            case when log is not null then array(select jsonb_array_elements_text(log)) end, output
        from gone
    ), settled as (
        -- one row for all calls of a key that end here: they end at one moment
        insert into queue.settlement (key, at, requests, tokens, micros, calls, verdict, probe)
        select k.id, t, case when k.counts = 'finish' then g.n else 0 end, g.tokens, g.micros, g.n, case when g.failed then 'fault' else 'ok' end, g.probe
        from (
            select key, probe, count(*) as n, sum(coalesce(real_tokens, tokens)) as tokens, sum(coalesce(real_micros, micros)) as micros, bool_and(fault) as failed
            from gone where used and key is not null group by 1, 2
        ) g
        join queue.limit_key k on k.id = g.key
        where k.counts = 'finish' or g.tokens > 0 or g.micros > 0 or k.trip_after is not null or g.probe
    ), counted as (
        insert into queue.delta (lane, kind, was, became, duration, n)
        select lane, kind, 'running', 'completed', queue.duration_class(t - claimed_at), count(*) from gone group by 1, 2, 5
    )
    select array_agg(id), array_agg(distinct key) filter (where key is not null), array_agg(distinct lane) into won, freed, lanes from gone;
    -- the end of a call in flight, or of an attempt under the queue's cap, may let another job begin
    if freed is not null then
        perform queue.wake_key(x) from unnest(freed) x;
    end if;
    perform queue.wake(array[q.name]) from queue.queue q
    where q.cap is not null and q.name = any (array(select l.queue from queue.lane l where l.id = any (lanes)));
    -- A statement of its own: its snapshot is taken after this transaction has its number. `recheck_edges`
    -- relies on that to tell which transactions can have missed an edge.
    perform from unnest(won) w cross join lateral (select from queue.edge e where e.parent = w limit 1) x limit 1;
    waited := found;
    if waited then
        perform queue.unblock_dependents(won, true);
    end if;
    return query select u.job, waited from unnest(won) u(job);
end $$;

-- Takes a unique key again for a job that goes back to waiting. Returns null if the job has it, else the
-- number of the job that holds it now and stands for the occasion (0: the holder kept changing).
create or replace function queue.retake_key(p_job bigint, p_kind text, p_key text) returns bigint
language plpgsql as $$
declare
    holder bigint;
begin
    for tries in 1 .. 3 loop
        insert into queue.unique_key (kind, key, job, unique_until) values (p_kind, p_key, p_job, 'claimed') on conflict do nothing;
        if found then
            return null;
        end if;
        select u.job into holder from queue.unique_key u where u.kind = p_kind and u.key = p_key;
        exit when found;
    end loop;
    return coalesce(holder, 0);
end $$;

-- Ends an attempt whose running row has just been deleted: writes its history and moves the job on. Returns
-- the job's new state. `p_at`: the time from which its call can no longer be under way; `p_told`: the attempt
-- itself reported its end.
create or replace function queue.end_attempt(
    r queue.running, p_outcome text, p_code text, p_error text, p_delay interval, p_log text[],
    p_used boolean, p_fault boolean, p_tokens bigint, p_micros bigint, p_told boolean, p_at timestamptz)
returns text
language plpgsql as $$
declare
    t timestamptz := clock_timestamp();
    given_back boolean := p_outcome in ('snoozed', 'throttled', 'released');
    rests boolean := p_outcome = 'snoozed';
    goes text;
    why text := p_error;
    made smallint := r.attempt - case when given_back then 1 else 0 end;
    newer bigint;  -- the job that holds the unique key now
begin
    -- A job that is given back again and again, with the permit of each claim unused or used up halfway, would
    -- take all permits of its key for ever.
    if p_outcome in ('throttled', 'released') and (
        select true from queue.attempt a where a.job = r.id and a.outcome in ('throttled', 'released') offset 999 limit 1) then
        rests := true;
        p_delay := interval '1 hour';
        p_error := concat_ws(': ', p_error, 'given back a thousand times, it waits an hour before its next claim');
    end if;
    insert into queue.attempt (job, number, process, started_at, ended_at, outcome, code, error, log)
    values (r.id, r.attempt, r.process, r.claimed_at, t, p_outcome, p_code, p_error, p_log);

    if r.key is not null then
        perform queue.settle(r, greatest(t, p_at), p_used, p_fault, p_tokens, p_micros, p_told);
        perform queue.wake_key(r.key);
    end if;
    perform queue.wake(array[q.name]) from queue.lane l join queue.queue q on q.name = l.queue
    where l.id = r.lane and q.cap is not null;

    goes := case
        when p_outcome = 'cancelled' or r.cancel then 'cancelled'
        when p_outcome in ('discarded', 'undecodable') then 'discarded'
        when rests then case when made > 0 then 'retryable' else 'scheduled' end
        when p_outcome in ('throttled', 'released') then 'available'
        when r.attempt >= r.max_attempts then 'discarded'
        when p_outcome = 'lost' then 'available'
        else 'retryable'
    end;

    -- A job that waits again takes back the key that it released at the claim.
    if r.unique_until = 'claimed' and goes in ('available', 'scheduled', 'retryable') then
        newer := queue.retake_key(r.id, r.kind, r.unique_key);
        if newer is not null then
            goes := 'cancelled';
            why := 'superseded';
        end if;
    end if;

    if goes = 'available' then
        insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at, available_at, error)
        values (r.id, r.lane, r.priority, r.kind, made, r.max_attempts, r.args, r.unique_key, r.unique_until, r.tags, r.parent, r.trace, r.created_at, t, p_error);
        perform queue.wake(array(select queue from queue.lane where id = r.lane));
    elsif goes in ('scheduled', 'retryable') then
        insert into queue.scheduled (id, due_at, retry, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at, error)
        values (r.id,
            t + coalesce(p_delay, (r.attempt::float8 ^ 4) * interval '1 second' * (0.9 + 0.2 * random())),
            goes = 'retryable', r.lane, r.priority, r.kind, made, r.max_attempts, r.args, r.unique_key, r.unique_until, r.tags, r.parent, r.trace, r.created_at, p_error);
    else
        insert into queue.failed (id, finished_at, state, error, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at)
        values (r.id, t, goes, why, r.lane, r.priority, r.kind, r.attempt, r.max_attempts, r.args, r.unique_key, r.unique_until, r.tags, r.parent, r.trace, r.created_at);
        delete from queue.unique_key u where u.kind = r.kind and u.key = r.unique_key and u.job = r.id;
        perform from queue.edge e where e.parent = r.id limit 1;
        if found and newer > 0 then
            perform queue.hand_over_dependents(r.id, newer);
        elsif found then
            perform queue.unblock_dependents(array[r.id], false);
        end if;
    end if;

    -- an attempt that is not spent counts no run time
    insert into queue.delta (lane, kind, was, became, duration, n)
    values (r.lane, r.kind, 'running', goes, case when not given_back then queue.duration_class(t - r.claimed_at) end, 1);
    return goes;
end $$;

-- Ends attempts of a process that did not complete their jobs. Returns each job with its new state; an
-- attempt whose lease was lost, and a row that another transaction holds, are left alone and not returned. No
-- lock is waited for longer than 20 ms: the attempt's own transaction may hold the unique key that is taken
-- back here, and wait for the row that was deleted first.
create or replace function queue.fail(
    p_process uuid, p_jobs bigint[], p_leases bigint[], p_outcomes text[], p_codes text[], p_errors text[], p_delays interval[], p_logs jsonb[],
    p_used boolean[], p_fault boolean[], p_tokens bigint[], p_micros bigint[])
returns table (job bigint, state text)
language plpgsql set lock_timeout = '20ms' set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
#variable_conflict use_column
declare
    x record;
begin
    perform queue.require_read_committed('the end of an attempt') where current_setting('transaction_isolation') <> 'read committed';
    for x in
        select u.*, case when u.logs is not null then array(select jsonb_array_elements_text(u.logs)) end as log
        from unnest(p_jobs, p_leases, p_outcomes, p_codes, p_errors, p_delays, p_logs, p_used, p_fault, p_tokens, p_micros)
            u(job, lease, outcome, code, error, delay, logs, used, fault, tokens, micros)
    loop
        job := x.job;
        state := queue.end_running(x.job, p_process, x.lease, x.outcome, x.code, x.error, x.delay, x.log,
            x.used, x.fault, x.tokens, x.micros, x.outcome <> 'lost', clock_timestamp());
        if state is not null then
            return next;
        end if;
    end loop;
end $$;

-- Takes one running row and ends its attempt. Returns the job's new state; null: the lease was lost, or
-- another transaction holds a lock that this would have to wait for.
create or replace function queue.end_running(
    p_job bigint, p_process uuid, p_lease bigint, p_outcome text, p_code text, p_error text, p_delay interval, p_log text[],
    p_used boolean, p_fault boolean, p_tokens bigint, p_micros bigint, p_told boolean, p_at timestamptz)
returns text
language plpgsql as $$
declare
    r queue.running;
begin
    select x.* into r from queue.running x
    where x.id = p_job and x.process = p_process and x.lease = p_lease for update skip locked;
    if not found then
        return null;
    end if;
    if r.unique_until is distinct from 'claimed' then
        delete from queue.running x where x.id = p_job;
        return queue.end_attempt(r, p_outcome, p_code, p_error, p_delay, p_log, p_used, p_fault, p_tokens, p_micros, p_told, p_at);
    end if;
    -- taking the key back may have to wait for the transaction that has taken it
    begin
        delete from queue.running x where x.id = p_job;
        return queue.end_attempt(r, p_outcome, p_code, p_error, p_delay, p_log, p_used, p_fault, p_tokens, p_micros, p_told, p_at);
    exception when lock_not_available then
        return null;
    end;
end $$;

-- Marks these processes dead, and ends every attempt whose process is missing, dead or ended. Returns the
-- number of jobs. It is unknown if a lost attempt made its call: the ledger assumes that it did and used all
-- of its reservation. The call may have begun up to 9.5 s after the last heartbeat, because the process
-- trusted its leases for that long, and may be under way until its timeout has passed.
--
-- Rows and locks that another transaction holds are left for the next sweep: the handler of a process that
-- was declared dead may still be writing, hold the unique key that its job takes back, and wait for the job's
-- row.
create or replace function queue.rescue(p_dead uuid[]) returns integer
language plpgsql set lock_timeout = '20ms' as $$
declare
    t timestamptz := clock_timestamp();
    x record;
    n integer := 0;
begin
    -- A process row that another transaction holds is left for the next sweep, and delays no other rescue.
    update queue.process p set dead_at = clock_timestamp()
    where p.id = any (array(
        select id from queue.process where id = any (p_dead) and dead_at is null and ended_at is null order by id for update skip locked));
    for x in
        select y.id, y.process, y.lease,
            case when p.ended_at is null then greatest(p.beat_at + interval '9.5 seconds', y.claimed_at) + k.call_timeout end as until
        from queue.running y
        left join queue.process p on p.id = y.process
        left join queue.limit_key k on k.id = y.key
        where p.id is null or p.dead_at is not null or p.ended_at is not null
        order by random() limit 1000  -- random: rows that cannot be locked must not hide the others
    loop
        exit when clock_timestamp() > t + interval '2 seconds';
        if queue.end_running(x.id, x.process, x.lease, 'lost', 'worker_died', 'the worker died or was cut off', null, null, true, false, null, null, false, x.until) is not null then
            n := n + 1;
        end if;
    end loop;
    return n;
end $$;

-- Raises an error, which aborts the caller's transaction whatever the caller does next: an attempt that lost
-- its job must have no effect.
create or replace function queue.refuse(p_job bigint) returns void
language plpgsql as $$
begin
    raise exception 'the lease on job % was lost', p_job using errcode = 'QU002';
end $$;
