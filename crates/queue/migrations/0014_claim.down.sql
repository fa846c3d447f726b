create or replace function queue.claim_v1(p_process uuid, p_lease bigint, p_queue text, p_limit integer, p_kinds text[])
returns table (
    id bigint, kind text, lane text, attempt smallint, max_attempts smallint, args jsonb, unique_key text,
    tags text[], parent bigint, trace text, created_at timestamptz, available_at timestamptz, key text,
    guard interval)  -- null: the key counts from the finish, or there is none
language plpgsql set enable_seqscan = off as $$
#variable_conflict use_column
declare
    t timestamptz;
    v_lanes integer[];
    v_keys integer[];
    free bigint[];         -- what each of v_keys can still serve in this claim
    used bigint[];         -- what this claim has taken of it
    ends timestamptz[];    -- the end of its ledger
    totals bigint[];
    next_at timestamptz;
    c record;
    lk record;
    k integer;
    chosen integer;
    shut integer[] := '{}';
    tids tid[] := '{}';
    ids bigint[] := '{}';
    by_key integer[] := '{}';
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'queue.claim_v1 needs read committed, not %', current_setting('transaction_isolation') using errcode = '25001';
    end if;
    perform from queue.process p where p.id = p_process and p.dead_at is null and p.ended_at is null;
    if not found then
        raise exception 'process % was declared dead', p_process using errcode = 'QU001';
    end if;
    perform queue.promote_v1();
    perform from queue.queue q where q.name = p_queue and q.paused;
    if found then
        return;
    end if;

    -- lanes with waiting jobs, one probe each; `limit 1` keeps it a probe whatever the statistics say
    select array_agg(l.id) into v_lanes from queue.lane l
    where l.queue = p_queue
        and (select true from queue.ready r where r.lane = l.id order by r.priority, r.id limit 1);
    if v_lanes is null then
        return;
    end if;

    select array_agg(x.id) into v_keys from (
        select k.id from queue.limit_key k
        where k.id = any (array(select lk.key from queue.lane_key lk where lk.lane = any (v_lanes)))
        order by k.id for no key update
    ) x;
    t := clock_timestamp();

    if v_keys is null then
        select array_agg(x.tid) into tids from (
            select r.tid from unnest(v_lanes) u(lane)
            cross join lateral (
                select r.ctid as tid, r.priority, r.id from queue.ready r
                where r.lane = u.lane and r.kind = any (p_kinds)
                order by r.priority, r.id limit p_limit for update skip locked
            ) r
            order by r.priority, r.id limit p_limit
        ) x;
    else
        perform queue.fold_settlements(v_keys);
        select array_agg(m.key order by m.key),
            array_agg(case when p.parked_until > t then 0 else m.requests end order by m.key),
            array_agg(m.last_at order by m.key), array_agg(m.cum_requests order by m.key)
        into v_keys, free, ends, totals
        from queue.room_v1(v_keys, t) m join queue.limit_key p on p.id = m.key;
        used := array_fill(0::bigint, array[cardinality(v_keys)]);

        for c in
            select r.tid, r.id, r.lane, r.limited from unnest(v_lanes) u(lane)
            cross join lateral (
                select r.ctid as tid, r.id, r.lane, r.priority,
                    (select true from queue.lane_key lk where lk.lane = u.lane limit 1) is not null as limited
                from queue.ready r
                where r.lane = u.lane and r.kind = any (p_kinds)
                order by r.priority, r.id
                -- what the lane's keys can serve bounds what is looked at: an exhausted lane costs a probe
                limit least(p_limit, (
                    select coalesce(sum(greatest(free[array_position(v_keys, lk.key)], 0)), p_limit)
                    from queue.lane_key lk where lk.lane = u.lane))
                for update skip locked
            ) r
            order by r.priority, r.id
        loop
            exit when cardinality(tids) >= p_limit;
            continue when c.lane = any (shut);
            chosen := null;
            if c.limited then
                for lk in select x.key, x.wait from queue.lane_key x where x.lane = c.lane order by x.position loop
                    k := array_position(v_keys, lk.key);
                    if free[k] >= 1 then
                        chosen := k;
                        exit;
                    end if;
                    -- full: is it worth waiting for, or does the next key serve?
                    next_at := queue.next_permit_v1(lk.key, t, used[k]);
                    exit when lk.wait is null or next_at <= t + lk.wait;
                end loop;
                if chosen is null then
                    shut := shut || c.lane;
                    continue;
                end if;
                free[chosen] := free[chosen] - 1;
                used[chosen] := used[chosen] + 1;
            end if;
            tids := tids || c.tid;
            ids := ids || c.id;
            by_key := by_key || v_keys[chosen];
        end loop;

        insert into queue.permit_grant (key, at, kind, requests, cum_requests)
        select v_keys[i], greatest(t, coalesce(ends[i], '-infinity') + interval '1 microsecond'), 'grant', used[i], totals[i] + used[i]
        from generate_subscripts(v_keys, 1) i
        join queue.limit_key k on k.id = v_keys[i] and k.counts = 'start'
        where used[i] > 0;
    end if;
    if coalesce(cardinality(tids), 0) = 0 then
        return;
    end if;

    return query
    with gone as (
        delete from queue.ready r where r.ctid = any (tids) returning r.*
    ), moved as (
        insert into queue.running as x (id, process, lease, claimed_at, key, granted_at, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, available_at)
        select g.id, p_process, p_lease, t, u.key, case when u.key is not null then t end,
            g.lane, g.priority, g.kind, g.attempt + 1, g.max_attempts, g.args, g.unique_key, g.holds, g.tags, g.parent, g.trace, g.created_at, g.available_at
        from gone g left join unnest(ids, by_key) u(id, key) on u.id = g.id
        returning x.*
    ), released as (
        delete from queue.unique_key u using gone g
        where g.holds = 'claimed' and u.kind = g.kind and u.key = g.unique_key and u.job = g.id
    ), counted as (
        insert into queue.delta (lane, kind, was, became, duration, n)
        select g.lane, g.kind, 'available', 'running', queue.duration_class(t - g.available_at), count(*)
        from gone g group by 1, 2, 5
    )
    select m.id, m.kind, l.name, m.attempt, m.max_attempts, coalesce(m.args, p.args, '{}'), m.unique_key, m.tags, m.parent, m.trace,
        m.created_at, m.available_at, k.name, case k.counts when 'start' then k.guard end
    from moved m
    join queue.lane l on l.id = m.lane
    left join queue.payload p on m.args is null and p.job = m.id
    left join queue.limit_key k on k.id = m.key
    order by m.priority, m.id;
end $$;

create or replace function queue.next_v1(p_queue text) returns interval
language sql stable as $$
    select greatest(min(x.at) - clock_timestamp(), '0') from (
        (select due_at as at from queue.scheduled order by due_at limit 1)
        union all
        select queue.next_permit_v1(lk.key, clock_timestamp())
        from queue.lane l join queue.lane_key lk on lk.lane = l.id
        where l.queue = p_queue
            and (select true from queue.ready r where r.lane = l.id order by r.priority, r.id limit 1)
    ) x
    where x.at < 'infinity'
$$;

create or replace function queue.permit_v1(p_process uuid, p_job bigint, p_lease bigint, p_spent boolean) returns timestamptz
language plpgsql as $$
declare
    t timestamptz;
    k queue.limit_key;
    m record;
    used bigint := 0;
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'queue.permit_v1 needs read committed' using errcode = '25001';
    end if;
    select lk.* into k from queue.limit_key lk
    where lk.id = (select r.key from queue.running r where r.id = p_job and r.process = p_process and r.lease = p_lease)
    for no key update;
    if not found then
        raise exception 'the lease on job % was lost', p_job using errcode = 'QU002';
    end if;
    t := clock_timestamp();
    -- The row again, after the wait: a rescue may have taken it meanwhile.
    perform from queue.running r where r.id = p_job and r.process = p_process and r.lease = p_lease;
    if not found then
        raise exception 'the lease on job % was lost', p_job using errcode = 'QU002';
    end if;
    if p_spent and k.counts = 'finish' then
        insert into queue.settlement (key, at, requests) values (k.id, t, 1);
    end if;
    perform queue.fold_settlements(array[k.id]);
    select * into m from queue.room_v1(array[k.id], t);
    if k.parked_until > t then
        return k.parked_until;
    end if;
    -- The attempt's own place among the calls in flight is already counted; a key that counts from
    -- the start grants anew.
    if k.counts = 'finish' then
        if m.requests >= 0 then
            return null;
        end if;
        return queue.next_permit_v1(k.id, t, 0, 1);
    end if;
    if m.windows >= 1 and m.flying <= coalesce(k.in_flight, m.flying) then
        insert into queue.permit_grant (key, at, kind, requests, cum_requests)
        values (k.id, greatest(t, coalesce(m.last_at, '-infinity') + interval '1 microsecond'), 'grant', 1, m.cum_requests + 1);
        -- without a wait: the row may be locked by whoever calls the job off or completes it
        update queue.running set granted_at = t
        where id = (select r.id from queue.running r where r.id = p_job for update skip locked);
        return null;
    end if;
    return queue.next_permit_v1(k.id, t, 0, 1);
end $$;

create or replace function queue.fold_settlements(p_keys integer[]) returns void
language sql as $$
    with taken as (
        delete from queue.settlement s
        where s.id = any (array(select id from queue.settlement where key = any (p_keys)))
        returning s.key, s.at, s.requests, s.id
    ), numbered as (
        select t.*, row_number() over w as n, sum(t.requests) over w as total,
            max(t.at) over w as latest
        from taken t
        window w as (partition by t.key order by t.at, t.id)
    )
    insert into queue.permit_grant (key, at, kind, requests, cum_requests)
    select n.key,
        -- Times rise by at least a microsecond, also where several calls ended in one.
        greatest(max(n.at - n.n * interval '1 microsecond') over (partition by n.key order by n.n),
            coalesce(last.at, '-infinity')) + n.n * interval '1 microsecond',
        'settlement', n.requests, coalesce(last.cum_requests, 0) + n.total
    from numbered n
    left join lateral (
        select g.at, g.cum_requests from queue.permit_grant g where g.key = n.key order by g.at desc limit 1
    ) last on true
$$;

drop function queue.fold_keys_v1;
drop function queue.permit_v2;
drop function queue.next_v2;
drop function queue.claim_v2;
drop function queue.notice_failover_v1;
drop table queue.server;
drop function queue.timeline;
