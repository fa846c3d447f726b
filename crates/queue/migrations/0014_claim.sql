-- The timeline of the server on which the ledger was last used: a failover begins another one. An
-- asynchronous replica may have taken over without the last grants; then nobody knows what the
-- windows hold.
create function queue.timeline() returns text
language plpgsql stable as $$
begin
    return left(pg_walfile_name(pg_current_wal_lsn()), 8);
exception when feature_not_supported or insufficient_privilege or object_not_in_prerequisite_state then
    return null;  -- a server that does not tell: its failovers are not noticed
end $$;

create table queue.server (
    one      boolean primary key default true check (one),
    timeline text    default queue.timeline()
);
insert into queue.server default values;

-- The first claim after a failover parks every key for its longest window, a minute at most, within
-- which the provider may still count calls that are forgotten here; longer windows trust its answers.
-- Before any key is held: it locks them all, in order.
create function queue.notice_failover_v1() returns void
language plpgsql as $$
declare
    now_on text := queue.timeline();
    t timestamptz;
begin
    perform from queue.server s where s.timeline is distinct from now_on;
    if not found or now_on is null then
        return;
    end if;
    update queue.server s set timeline = now_on where s.timeline is distinct from now_on;
    if not found then
        return;  -- somebody else was first, and has parked them
    end if;
    perform from queue.limit_key k order by k.id for no key update;
    t := clock_timestamp();
    with parked as (
        update queue.limit_key k
        set parked_why = case when t + x.wait > coalesce(k.parked_until, '-infinity')
                then 'the database failed over: calls just before it may be forgotten' else k.parked_why end,
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

-- Gives a process up to `p_limit` jobs of a queue, of kinds that it knows, each under a key of its
-- lane that can serve it now. `p_lanes`, `p_priorities` and `p_ids` are marks: of these lanes it looks
-- at what comes after the mark only, past the rows that earlier claims have taken and that a long
-- reader keeps from being cleaned up. What a mark hides is found by a claim without.
--
-- What limits rest on: the keys are locked by one statement and read by the next, whose snapshot
-- is taken after the wait; `t` is read after the lock. A single statement for both would read a
-- ledger older than its lock and grant too much. Nothing waits while it holds a key.
create function queue.claim_v2(
    p_process uuid, p_lease bigint, p_queue text, p_limit integer, p_kinds text[],
    p_lanes integer[] default '{}', p_priorities smallint[] default '{}', p_ids bigint[] default '{}')
returns table (
    id bigint, kind text, lane text, lane_id integer, priority smallint, attempt smallint, max_attempts smallint, args jsonb, unique_key text,
    tags text[], parent bigint, trace text, created_at timestamptz, available_at timestamptz, key text,
    guard interval,  -- null: the key counts from the finish, or there is none
    tokens bigint, micros bigint)  -- reserved
language plpgsql set enable_seqscan = off as $$
#variable_conflict use_column
declare
    t timestamptz;
    v_cap integer;
    v_limit integer := p_limit;
    v_lanes integer[];
    v_priorities smallint[];  -- where to begin in each of v_lanes
    v_ids bigint[];
    v_keys integer[];
    -- of each of v_keys: what it can serve, and what of it jobs that are not urgent may have
    free bigint[];
    free_tokens bigint[];
    free_micros bigint[];
    common bigint[];
    common_tokens bigint[];
    common_micros bigint[];
    urgent smallint[];       -- up to which priority a job is
    probes boolean[];        -- its breaker lets one call through
    last_at timestamptz[];
    cum_requests bigint[];
    cum_tokens bigint[];
    cum_micros bigint[];
    used bigint[];           -- what this claim has taken
    used_tokens bigint[];
    used_micros bigint[];
    lk_lane integer[];       -- the lanes' keys, in the lanes' order
    lk_key integer[];        -- its place in v_keys
    lk_up integer[];         -- the place of its parent
    lk_wait interval[];
    lk_tokens bigint[];
    lk_micros bigint[];
    far timestamptz[];       -- when a lane's key that was found full serves again; null: not asked yet
    c record;
    i integer;
    k integer;
    up integer;
    chosen integer;
    shut integer[] := '{}';
    tids tid[] := '{}';
    ids bigint[] := '{}';
    by_key integer[] := '{}';
    by_tokens bigint[] := '{}';
    by_micros bigint[] := '{}';
    by_probe boolean[] := '{}';
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'queue.claim_v2 needs read committed, not %', current_setting('transaction_isolation') using errcode = '25001';
    end if;
    perform from queue.process p where p.id = p_process and p.dead_at is null and p.ended_at is null;
    if not found then
        raise exception 'process % was declared dead', p_process using errcode = 'QU001';
    end if;
    perform queue.promote_v1();
    select q.cap into v_cap from queue.queue q where q.name = p_queue and not q.paused;
    if not found then
        return;
    end if;
    if v_cap is not null then
        -- its own statement: what runs is counted by the next one, after the wait
        perform from queue.queue q where q.name = p_queue for no key update;
        select least(v_limit, v_cap - count(*)) into v_limit
        from queue.running r where r.lane = any (array(select l.id from queue.lane l where l.queue = p_queue));
        if v_limit <= 0 then
            return;
        end if;
    end if;

    -- lanes with waiting jobs, one probe each; `limit 1` keeps it a probe whatever the statistics say
    select array_agg(l.id), array_agg(l.priority), array_agg(l.after) into v_lanes, v_priorities, v_ids
    from (
        select l.id, coalesce(m.priority, -1::smallint) as priority, coalesce(m.id, 0) as after
        from queue.lane l left join unnest(p_lanes, p_priorities, p_ids) m(lane, priority, id) on m.lane = l.id
        where l.queue = p_queue
    ) l
    where (
        select true from queue.ready r
        where r.lane = l.id and (r.priority, r.id) > (l.priority, l.after) order by r.priority, r.id limit 1);
    if v_lanes is null then
        return;
    end if;

    v_keys := array(select lk.key from queue.lane_key lk where lk.lane = any (v_lanes));
    if cardinality(v_keys) = 0 then
        t := clock_timestamp();
        select array_agg(x.tid) into tids from (
            select r.tid from unnest(v_lanes, v_priorities, v_ids) u(lane, priority, after)
            cross join lateral (
                select r.ctid as tid, r.priority, r.id from queue.ready r
                where r.lane = u.lane and (r.priority, r.id) > (u.priority, u.after) and r.kind = any (p_kinds)
                order by r.priority, r.id limit v_limit for update skip locked
            ) r
            order by r.priority, r.id limit v_limit
        ) x;
    else
        perform queue.notice_failover_v1();
        select array_agg(x.id) into v_keys from (
            select l.id from queue.limit_key l where l.id = any (queue.family(v_keys)) order by l.id for no key update
        ) x;
        t := clock_timestamp();
        perform from queue.settlement s where s.key = any (v_keys) limit 1;
        if found then
            perform queue.fold_settlements_v2(v_keys);
        end if;
        select array_agg(m.requests order by m.key), array_agg(m.tokens order by m.key), array_agg(m.micros order by m.key),
            array_agg(m.common_requests order by m.key), array_agg(m.common_tokens order by m.key), array_agg(m.common_micros order by m.key),
            array_agg(m.urgent order by m.key), array_agg(m.half_open order by m.key), array_agg(m.last_at order by m.key),
            array_agg(m.cum_requests order by m.key), array_agg(m.cum_tokens order by m.key), array_agg(m.cum_micros order by m.key)
        into free, free_tokens, free_micros, common, common_tokens, common_micros, urgent, probes, last_at, cum_requests, cum_tokens, cum_micros
        from queue.room_v2(v_keys, t) m;
        used := array_fill(0::bigint, array[cardinality(v_keys)]);
        used_tokens := used;
        used_micros := used;
        select array_agg(lk.lane order by lk.lane, lk.position),
            array_agg(array_position(v_keys, lk.key) order by lk.lane, lk.position),
            array_agg(array_position(v_keys, k.parent) order by lk.lane, lk.position),
            array_agg(lk.wait order by lk.lane, lk.position),
            array_agg(lk.tokens order by lk.lane, lk.position),
            array_agg(lk.micros order by lk.lane, lk.position)
        into lk_lane, lk_key, lk_up, lk_wait, lk_tokens, lk_micros
        from queue.lane_key lk join queue.limit_key k on k.id = lk.key where lk.lane = any (v_lanes);
        far := array_fill(null::timestamptz, array[cardinality(lk_lane)]);

        for c in
            select r.tid, r.id, r.lane, r.priority, u.free is not null as limited
            from (
                -- what the lane's keys can serve bounds what is looked at: an exhausted lane costs a probe
                select l.lane, l.priority, l.after, (
                    select sum(greatest(least(free[lk_key[j]], free[lk_up[j]]), 0))
                    from generate_subscripts(lk_lane, 1) j where lk_lane[j] = l.lane) as free
                from unnest(v_lanes, v_priorities, v_ids) l(lane, priority, after) offset 0
            ) u
            cross join lateral (
                select r.ctid as tid, r.id, r.lane, r.priority
                from queue.ready r
                where r.lane = u.lane and (r.priority, r.id) > (u.priority, u.after) and r.kind = any (p_kinds)
                order by r.priority, r.id
                limit least(v_limit, u.free)
                for update skip locked
            ) r
            order by r.priority, r.id
        loop
            exit when cardinality(tids) >= v_limit;
            chosen := null;
            if c.limited then
                continue when c.lane = any (shut);
                for i in 1 .. cardinality(lk_lane) loop
                    continue when lk_lane[i] <> c.lane;
                    k := lk_key[i];
                    up := lk_up[i];
                    if (
                        case when c.priority <= urgent[k]
                            then free[k] - used[k] >= 1 and free_tokens[k] - used_tokens[k] >= lk_tokens[i] and free_micros[k] - used_micros[k] >= lk_micros[i]
                            else common[k] - used[k] >= 1 and common_tokens[k] - used_tokens[k] >= lk_tokens[i] and common_micros[k] - used_micros[k] >= lk_micros[i] end
                        and (up is null or case when c.priority <= urgent[up]
                            then free[up] - used[up] >= 1 and free_tokens[up] - used_tokens[up] >= lk_tokens[i] and free_micros[up] - used_micros[up] >= lk_micros[i]
                            else common[up] - used[up] >= 1 and common_tokens[up] - used_tokens[up] >= lk_tokens[i] and common_micros[up] - used_micros[up] >= lk_micros[i] end)
                    ) then
                        chosen := i;
                        exit;
                    end if;
                    -- full: is it worth waiting for, or does the next key serve?
                    exit when lk_wait[i] is null;
                    if far[i] is null then
                        far[i] := (
                            select x.soonest from queue.permit_times_v1(
                                v_keys[k], t, used[k] + 1, used_tokens[k] + lk_tokens[i], used_micros[k] + lk_micros[i], c.priority <= urgent[k]) x);
                    end if;
                    exit when far[i] <= t + lk_wait[i];
                end loop;
                if chosen is null then
                    shut := shut || c.lane;  -- first in, first served: a later job does not overtake
                    continue;
                end if;
                k := lk_key[chosen];
                up := lk_up[chosen];
                used[k] := used[k] + 1;
                used_tokens[k] := used_tokens[k] + lk_tokens[chosen];
                used_micros[k] := used_micros[k] + lk_micros[chosen];
                if up is not null then
                    used[up] := used[up] + 1;
                    used_tokens[up] := used_tokens[up] + lk_tokens[chosen];
                    used_micros[up] := used_micros[up] + lk_micros[chosen];
                end if;
                by_key := by_key || v_keys[k];
                by_tokens := by_tokens || lk_tokens[chosen];
                by_micros := by_micros || lk_micros[chosen];
                by_probe := by_probe || probes[k];
            else
                by_key := by_key || null::integer;
                by_tokens := by_tokens || 0::bigint;
                by_micros := by_micros || 0::bigint;
                by_probe := by_probe || false;
            end if;
            tids := tids || c.tid;
            ids := ids || c.id;
        end loop;

        -- Tokens and money are posted when the call has ended; until then they are reserved.
        insert into queue.permit_grant (key, at, kind, requests, cum_requests, cum_tokens, cum_micros)
        select v_keys[j], greatest(t, coalesce(last_at[j], '-infinity') + interval '1 microsecond'), 'grant', used[j],
            cum_requests[j] + used[j], cum_tokens[j], cum_micros[j]
        from generate_subscripts(v_keys, 1) j
        join queue.limit_key l on l.id = v_keys[j] and l.counts = 'start'
        where used[j] > 0;
    end if;
    if coalesce(cardinality(tids), 0) = 0 then
        return;
    end if;

    return query
    with gone as (
        delete from queue.ready r where r.ctid = any (tids) returning r.*
    ), moved as (
        insert into queue.running as x (id, process, lease, claimed_at, key, granted_at, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, available_at, tokens, micros, probe)
        select g.id, p_process, p_lease, t, u.key, case when u.key is not null then t end,
            g.lane, g.priority, g.kind, g.attempt + 1, g.max_attempts, g.args, g.unique_key, g.holds, g.tags, g.parent, g.trace, g.created_at, g.available_at,
            coalesce(u.tokens, 0), coalesce(u.micros, 0), coalesce(u.probe, false)
        from gone g left join unnest(ids, by_key, by_tokens, by_micros, by_probe) u(id, key, tokens, micros, probe) on u.id = g.id
        returning x.*
    ), released as (
        delete from queue.unique_key u using gone g
        where g.holds = 'claimed' and u.kind = g.kind and u.key = g.unique_key and u.job = g.id
    ), counted as (
        insert into queue.delta (lane, kind, was, became, duration, n)
        select g.lane, g.kind, 'available', 'running', queue.duration_class(t - g.available_at), count(*)
        from gone g group by 1, 2, 5
    )
    select m.id, m.kind, l.name, m.lane, m.priority, m.attempt, m.max_attempts, coalesce(m.args, p.args, '{}'), m.unique_key, m.tags, m.parent, m.trace,
        m.created_at, m.available_at, k.name, case k.counts when 'start' then k.guard end, m.tokens, m.micros
    from moved m
    join queue.lane l on l.id = m.lane
    left join queue.payload p on m.args is null and p.job = m.id
    left join queue.limit_key k on k.id = m.key
    order by m.priority, m.id;
end $$;

-- How long until a claim of this queue may find something that is not there now: the next due job
-- or the next permit. Null: nothing is known to come. With marks, as a claim with the same marks.
create function queue.next_v2(
    p_queue text, p_lanes integer[] default '{}', p_priorities smallint[] default '{}', p_ids bigint[] default '{}'
) returns interval
language sql stable as $$
    -- `greatest` takes no notice of a null, and nothing must not become now
    select case when min(x.at) is not null then greatest(min(x.at) - clock_timestamp(), '0') end from (
        (select due_at as at from queue.scheduled order by due_at limit 1)
        union all
        select case when n.key is null then clock_timestamp() else n.at end  -- without a key: now
        from (
            select l.id, coalesce(m.priority, -1::smallint) as priority, coalesce(m.id, 0) as after
            from queue.lane l left join unnest(p_lanes, p_priorities, p_ids) m(lane, priority, id) on m.lane = l.id
            where l.queue = p_queue
        ) l
        left join lateral queue.lane_times_v1(l.id, clock_timestamp()) n on true
        where (
            select true from queue.ready r
            where r.lane = l.id and (r.priority, r.id) > (l.priority, l.after) order by r.priority, r.id limit 1)
    ) x
    where x.at < 'infinity'
$$;

-- Exchanges a permit that is late or spent for a new one. Returns when the next one may be free, or
-- null when this one was granted. `p_spent`: a call was made with the last permit; it used
-- `p_tokens` and `p_micros`, where that is known, else what was reserved.
create function queue.permit_v2(
    p_process uuid, p_job bigint, p_lease bigint, p_spent boolean, p_fault boolean, p_tokens bigint, p_micros bigint
) returns timestamptz
language plpgsql as $$
declare
    t timestamptz;
    k queue.limit_key;
    r queue.running;
    m record;
    keys integer[];
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'queue.permit_v2 needs read committed' using errcode = '25001';
    end if;
    perform queue.notice_failover_v1();
    keys := queue.family(array(select x.key from queue.running x where x.id = p_job and x.process = p_process and x.lease = p_lease and x.key is not null));
    perform from queue.limit_key l where l.id = any (keys) order by l.id for no key update;
    t := clock_timestamp();
    -- The row after the wait: a rescue may have taken it meanwhile.
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
    perform queue.fold_settlements_v2(keys);
    select l.* into k from queue.limit_key l where l.id = r.key;
    if k.open_until is not null and not r.probe then
        return greatest(k.open_until, t + interval '1 second');  -- one probe at a time, and this is not it
    end if;

    -- The attempt's own place among what is in flight is counted already; a request of a key that
    -- counts from the start is granted anew.
    select bool_and(case
            when l.parked_until > t or (l.id <> k.id and l.open_until is not null) then false
            when l.counts = 'finish' then x.windows >= 0
            else x.windows >= 1 end
            and x.tokens >= 0 and x.micros >= 0 and x.flying <= coalesce(l.in_flight, x.flying)) as granted
    into m
    from queue.limit_key l cross join lateral queue.room_v2(array[l.id], t) x
    where l.id in (k.id, k.parent);
    if not m.granted then
        return queue.next_permit_v2(k.id, t, 1, r.tokens, r.micros, true, 1, r.tokens, r.micros);
    end if;
    insert into queue.permit_grant (key, at, kind, requests, cum_requests, cum_tokens, cum_micros)
    select l.id, greatest(t, coalesce(x.last_at, '-infinity') + interval '1 microsecond'), 'grant', 1, x.cum_requests + 1, x.cum_tokens, x.cum_micros
    from queue.limit_key l cross join lateral queue.room_v2(array[l.id], t) x
    where l.id in (k.id, k.parent) and l.counts = 'start';
    -- without a wait: the row may be locked by whoever calls the job off or completes it
    update queue.running set granted_at = t
    where id = (select x.id from queue.running x where x.id = p_job for update skip locked);
    return null;
end $$;

-- Folds what ended while nobody claims, so that history and breakers do not wait for the next job.
-- Whoever claims folds as well, and is not waited for.
create function queue.fold_keys_v1() returns void
language plpgsql as $$
declare
    keys integer[];
    n integer;
begin
    for keys in
        select distinct queue.family(array[x.key])
        from (select distinct s.key from queue.settlement s where s.at <= clock_timestamp()) x
    loop
        select count(*) into n from (
            select from queue.limit_key k where k.id = any (keys) order by k.id for no key update skip locked
        ) held;
        if n = cardinality(keys) then
            perform queue.fold_settlements_v2(keys);
        end if;
    end loop;
end $$;

-- For the release before, which knows neither tokens nor faults.
create or replace function queue.claim_v1(p_process uuid, p_lease bigint, p_queue text, p_limit integer, p_kinds text[])
returns table (
    id bigint, kind text, lane text, attempt smallint, max_attempts smallint, args jsonb, unique_key text,
    tags text[], parent bigint, trace text, created_at timestamptz, available_at timestamptz, key text,
    guard interval)
language sql as $$
    select c.id, c.kind, c.lane, c.attempt, c.max_attempts, c.args, c.unique_key, c.tags, c.parent, c.trace, c.created_at, c.available_at, c.key, c.guard
    from queue.claim_v2(p_process, p_lease, p_queue, p_limit, p_kinds) c
$$;

create or replace function queue.next_v1(p_queue text) returns interval
language sql stable as $$ select queue.next_v2(p_queue) $$;

create or replace function queue.permit_v1(p_process uuid, p_job bigint, p_lease bigint, p_spent boolean) returns timestamptz
language sql as $$ select queue.permit_v2(p_process, p_job, p_lease, p_spent, null, null, null) $$;

create or replace function queue.fold_settlements(p_keys integer[]) returns void
language sql as $$ select queue.fold_settlements_v2(queue.family(p_keys)) $$;
