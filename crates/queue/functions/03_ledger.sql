-- The ledger of limit keys: permits granted, calls ended, usage outside of the queue.

-- The server and the timeline on which the ledger is used. A failover starts another timeline; a dump is
-- restored to another server. In both cases the last grants may be missing, and the true contents of the
-- windows are unknown.
create or replace function queue.timeline() returns text
language plpgsql stable as $$
begin
    return left(pg_walfile_name(pg_current_wal_lsn()), 8) || '/' || (select c.system_identifier from pg_control_system() c);
exception when feature_not_supported or insufficient_privilege or object_not_in_prerequisite_state then
    return null;  -- the server does not tell its timeline: its failovers are not noticed
end $$;

-- Parks every key for its longest window, at most a minute: within that time the provider may still count
-- calls that the ledger has lost. Locks every key, in order.
create or replace function queue.park_all(p_why text) returns void
language plpgsql as $$
declare
    t timestamptz;
begin
    perform from queue.limit_key k order by k.id for no key update;
    t := clock_timestamp();
    with parked as (
        update queue.limit_key k
        set parked_why = case when t + x.wait > coalesce(k.parked_until, '-infinity') then p_why else k.parked_why end,
            parked_until = greatest(k.parked_until, t + x.wait)
        from (
            select w.key, max(least(coalesce(w.period, '1 minute'), '1 minute')) as wait
            from queue.limit_window w group by w.key
        ) x
        where k.id = x.key
        returning k.name
    )
    insert into queue.event (kind, subject) select 'limit', p.name from parked p;
end $$;

-- Parks every key at the first use of the ledger after a failover; windows longer than a minute rely on the
-- provider's answers. The caller must hold no key yet, because this locks all of them in order.
create or replace function queue.notice_failover() returns void
language plpgsql as $$
declare
    now_on text := queue.timeline();
begin
    perform from queue.server s where s.timeline = now_on;
    if found or now_on is null then
        return;
    end if;
    update queue.server s set timeline = now_on where s.timeline is distinct from now_on;
    if found then  -- else another transaction was first and has parked them
        update queue.call_mark set running = 0, settlement = 0;  -- numbers of the other server's transactions
        perform queue.park_all('the database failed over: calls just before it may be forgotten');
    end if;
end $$;

-- Moves settlements into the ledgers of their key and its parent, and updates the breaker. The caller holds
-- the keys and their parents.
create or replace function queue.fold_settlements(p_keys integer[]) returns void
language plpgsql as $$
declare
    t timestamptz := clock_timestamp();
begin
    with taken as (
        delete from queue.settlement s
        where s.id = any (array(
            select x.id from queue.settlement x
            where x.key = any (p_keys) and x.added_in >= (select m.settlement from queue.call_mark m) and x.at <= t))
        returning s.*
    ), entry as (
        select x.key, x.at, x.id, x.requests, x.tokens, x.micros from taken x
        union all
        select k.parent, x.at, x.id, x.requests, x.tokens, x.micros
        from taken x join queue.limit_key k on k.id = x.key where k.parent is not null
    ), numbered as (
        select e.*, row_number() over w as n, sum(e.requests) over w as sum_requests,
            sum(e.tokens) over w as sum_tokens, sum(e.micros) over w as sum_micros
        from entry e where e.requests > 0 or e.tokens > 0 or e.micros > 0
        window w as (partition by e.key order by e.at, e.id)
    ), posted as (
        insert into queue.permit_grant (key, at, kind, requests, tokens, micros, cum_requests, cum_tokens, cum_micros)
        select n.key,
            -- Times must rise by at least a microsecond, also where several calls ended within one.
            greatest(max(n.at - n.n * interval '1 microsecond') over (partition by n.key order by n.n),
                coalesce(last.at, '-infinity')) + n.n * interval '1 microsecond',
            'settlement', n.requests, n.tokens, n.micros,
            coalesce(last.cum_requests, 0) + n.sum_requests, coalesce(last.cum_tokens, 0) + n.sum_tokens,
            coalesce(last.cum_micros, 0) + n.sum_micros
        from numbered n
        left join lateral (
            select g.at, g.cum_requests, g.cum_tokens, g.cum_micros
            from queue.permit_grant g where g.key = n.key order by g.at desc limit 1
        ) last on true
    ), heard as (
        select x.key,
            bool_or(x.verdict = 'ok') as ok,
            sum(x.calls) filter (where x.verdict = 'fault' and x.at > coalesce(
                (select max(y.at) from taken y where y.key = x.key and y.verdict = 'ok'), '-infinity')) as faults,
            (array_agg(x.verdict order by x.id desc) filter (where x.probe))[1] as probe
        from taken x where x.verdict is not null
        group by x.key
    ), judged as (
        select k.id, k.open_until is null as closed, h.probe, k.opened,
            case when h.ok then 0 else k.faults end + coalesce(h.faults, 0) as faults
        from heard h join queue.limit_key k on k.id = h.key
    ), changed as (
        update queue.limit_key k
        set faults = case when not j.closed and j.probe = 'ok' then 0 else j.faults end,
            opened = case
                when not j.closed and j.probe = 'ok' then 0
                when not j.closed and j.probe = 'fault' then least(k.opened + 1, 30)
                when j.closed and j.faults >= k.trip_after then 1
                else k.opened end,
            open_until = case
                when not j.closed and j.probe = 'ok' then null
                when not j.closed and j.probe = 'fault' then t + least(k.cooldown * power(2, least(k.opened, 16)), k.cooldown_max)
                when j.closed and j.faults >= k.trip_after then t + k.cooldown
                else k.open_until end
        from judged j
        where k.id = j.id and (j.faults <> k.faults or j.probe is not null)
        returning k.name, (k.open_until is null) <> j.closed or j.probe is not null as turned
    )
    insert into queue.event (kind, subject) select 'limit', c.name from changed c where c.turned;
end $$;

-- Moves the marks from which the calls of a key are read: up to the oldest call, or to the oldest transaction
-- under way, which may still add one. Readers hold no mark back, however old their snapshots are. Moves seldom,
-- and the more seldom the more dead rows its moves have left beside a reader. A mark beyond the present
-- transactions is of another server, from which the database was restored.
create or replace function queue.move_call_mark() returns void
language plpgsql set enable_seqscan = off set jit = off as $$
declare
    t timestamptz := clock_timestamp();
    m queue.call_mark;
begin
    select x.* into m from queue.call_mark x
    where not t - x.moved_at between '0' and pg_relation_size('queue.call_mark') / 8192 * interval '5 seconds'
    for no key update skip locked;
    if not found then
        return;
    end if;
    if pg_snapshot_xmin(pg_current_snapshot())::text::bigint < greatest(m.running, m.settlement) then
        m := (0, 0, t);
    end if;
    -- one statement: its snapshot tells both the transactions and the calls
    update queue.call_mark x set running = y.running, settlement = y.settlement, moved_at = t
    from (
        select least(o.n, (select min(r.n) from queue.limit_key k cross join lateral (
                select r.added_in as n from queue.running r
                where r.key = k.id and r.added_in >= m.running order by r.key, r.added_in limit 1) r)) as running,
            least(o.n, (select min(s.n) from queue.limit_key k cross join lateral (
                select s.added_in as n from queue.settlement s
                where s.key = k.id and s.added_in >= m.settlement order by s.key, s.added_in limit 1) s)) as settlement
        from (select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as n) o
    ) y
    where (x.running, x.settlement) <> (y.running, y.settlement);
end $$;

-- Folds settlements, so that history and breakers do not wait for the next claim. Claims fold them too; keys
-- that a claim has locked are skipped.
create or replace function queue.fold_keys() returns void
language plpgsql set enable_seqscan = off set jit = off as $$
declare
    t timestamptz := clock_timestamp();
    keys integer[];
    n integer;
begin
    perform queue.move_call_mark();
    for keys in
        select queue.with_parents(array[k.id]) from queue.limit_key k
        where (select true from queue.settlement s
            where s.key = k.id and s.added_in >= (select m.settlement from queue.call_mark m) and s.at <= t limit 1)
    loop
        select count(*) into n from (
            select from queue.limit_key k where k.id = any (keys) order by k.id for no key update skip locked
        ) held;
        if n = cardinality(keys) then
            perform queue.fold_settlements(keys);
        end if;
    end loop;
end $$;

-- Exchanges a permit that has expired or was used for a new one. Returns null if the new one is granted, else
-- the time at which the next may be free. `p_spent`: a call was made with the last permit; it used `p_tokens`
-- and `p_micros`, or what was reserved where these are null. Jobs that are not urgent get no permit from the
-- urgent reserve here either.
create or replace function queue.exchange_permit(
    p_process uuid, p_job bigint, p_lease bigint, p_spent boolean, p_fault boolean, p_tokens bigint, p_micros bigint
) returns timestamptz
language plpgsql set lock_timeout = '5s' set enable_seqscan = off set jit = off as $$
declare
    t timestamptz;
    k queue.limit_key;
    r queue.running;
    granted boolean;
    keys integer[];
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'queue.exchange_permit needs read committed' using errcode = '25001';
    end if;
    perform queue.notice_failover();
    keys := queue.with_parents(array(select x.key from queue.running x where x.id = p_job and x.process = p_process and x.lease = p_lease and x.key is not null));
    perform from queue.limit_key l where l.id = any (keys) order by l.id for no key update;
    t := clock_timestamp();
    -- The row is read after the wait: a rescue may have taken it meanwhile.
    select x.* into r from queue.running x where x.id = p_job and x.process = p_process and x.lease = p_lease;
    if not found or r.key is null then
        raise exception 'the lease on job % was lost', p_job using errcode = 'QU002';
    end if;
    select l.* into k from queue.limit_key l where l.id = r.key;
    if p_spent then
        insert into queue.settlement (key, at, requests, tokens, micros, verdict, probe)
        values (k.id, t, case k.counts when 'finish' then 1 else 0 end, coalesce(p_tokens, r.tokens), coalesce(p_micros, r.micros),
            case p_fault when true then 'fault' when false then 'ok' end, r.probe);
    end if;
    perform queue.fold_settlements(keys);
    select l.* into k from queue.limit_key l where l.id = r.key;
    if k.open_until > t or k.open_until is not null and not r.probe then
        return greatest(k.open_until, t + interval '1 second');  -- the breaker allows one probe at a time, and this attempt is not it
    end if;
    if p_spent and r.requests > 0 then
        -- reserved at the claim; skips the wait: a command or the handler's own transaction may hold the row
        update queue.running x set requests = x.requests - 1
        where x.id = (select y.id from queue.running y where y.id = p_job for no key update skip locked);
    end if;

    -- The attempt's own call in flight is counted already; a key that counts from the start needs a new grant
    -- for each request.
    select bool_and(not coalesce(l.parked_until > t, false) and (l.id = k.id or l.open_until is null)
            and x.flying <= coalesce(l.in_flight, x.flying)
            and case when r.priority <= l.urgent
                then x.requests >= y.wanted and x.tokens >= 0 and x.micros >= 0
                else x.common_requests >= y.wanted and x.common_tokens >= 0 and x.common_micros >= 0 end)
    into granted
    from queue.limit_key l
    cross join lateral queue.capacity(array[l.id], t) x
    cross join lateral (select case l.counts when 'finish' then 0 else 1 end as wanted) y
    where l.id in (k.id, k.parent);
    if not granted then
        return queue.next_permit(k.id, t, 1, r.tokens, r.micros, r.priority <= k.urgent or k.share = 0, 1, r.tokens, r.micros);
    end if;
    insert into queue.permit_grant (key, at, kind, requests, cum_requests, cum_tokens, cum_micros)
    select l.id, greatest(t, coalesce(last.at, '-infinity') + interval '1 microsecond'), 'grant', 1,
        coalesce(last.cum_requests, 0) + 1, coalesce(last.cum_tokens, 0), coalesce(last.cum_micros, 0)
    from queue.limit_key l
    left join lateral (
        select g.at, g.cum_requests, g.cum_tokens, g.cum_micros
        from queue.permit_grant g where g.key = l.id order by g.key, g.at desc limit 1
    ) last on true
    where l.id in (k.id, k.parent) and l.counts = 'start';
    return null;
end $$;

-- Records usage outside of the queue, or usage that the provider reports. Returns true if the key exists.
create or replace function queue.record_external_usage(p_key text, p_requests bigint, p_tokens bigint, p_micros bigint) returns boolean
language plpgsql as $$
declare
    keys integer[];
    t timestamptz;
begin
    keys := queue.with_parents(array(select k.id from queue.limit_key k where k.name = p_key));
    perform from queue.limit_key k where k.id = any (keys) order by k.id for no key update;
    if not found then
        return false;
    end if;
    t := clock_timestamp();
    perform queue.fold_settlements(keys);
    insert into queue.permit_grant (key, at, kind, requests, tokens, micros, cum_requests, cum_tokens, cum_micros)
    select k.id, greatest(t, coalesce(last.at, '-infinity') + interval '1 microsecond'), 'external', p_requests, p_tokens, p_micros,
        coalesce(last.cum_requests, 0) + p_requests, coalesce(last.cum_tokens, 0) + p_tokens, coalesce(last.cum_micros, 0) + p_micros
    from queue.limit_key own
    join queue.limit_key k on k.id = own.id or k.id = own.parent
    left join lateral (
        select g.at, g.cum_requests, g.cum_tokens, g.cum_micros
        from queue.permit_grant g where g.key = k.id order by g.at desc limit 1
    ) last on true
    where own.name = p_key;
    return true;
end $$;

-- Parks a key; a longer park stays. Returns the time until which it is parked; null: no such key.
create or replace function queue.park(p_key text, p_for interval, p_why text) returns timestamptz
language sql as $$
    update queue.limit_key k
    set parked_why = case when x.until > coalesce(k.parked_until, '-infinity') then left(p_why, 500) else k.parked_why end,
        parked_until = greatest(k.parked_until, x.until)
    from (select clock_timestamp() + p_for as until) x
    where k.name = p_key
    returning k.parked_until
$$;

-- Notifies the idle processes of every queue with a lane of this key.
create or replace function queue.wake_key(p_key integer) returns void
language sql as $$
    select queue.wake(array(
        select distinct l.queue from queue.lane_key lk join queue.lane l on l.id = lk.lane where lk.key = p_key))
$$;
