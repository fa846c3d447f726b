-- The claim: due jobs become claimable, and claimable jobs become attempts.

-- Duration class: four to each doubling, from 1 ms; the middle of a class is 2^((class - 0.5) / 4) ms. A
-- single expression of float8, so that the planner inlines it: it runs for every job.
create or replace function queue.duration_class(p interval) returns smallint
language sql immutable as $$
    select greatest(0, least(150, 1 + floor(4 * ln(greatest(date_part('epoch', p) * 1000, 0.5)) / ln(2::float8))))::smallint
$$;

-- Start of the search for due jobs: a second before the mark, because another transaction may have committed
-- a job that is due before it.
create or replace function queue.promoted_since() returns timestamptz
language sql stable as $$ select to_timestamp(last_value / 1e6) - interval '1 second' from queue.promoted_to $$;

-- Moves scheduled jobs that are due to where they can be claimed. It searches from the mark on, and once a
-- second from the start: a job that was added with a time already past, or whose row another transaction
-- held, waits up to a second.
create or replace function queue.promote(p_limit integer default 1000) returns integer
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
declare
    t timestamptz := clock_timestamp();  -- a constant: a volatile function cannot bound an index scan
    now_us bigint := extract(epoch from t) * 1000000;
    mark bigint;
    whole boolean;
    since timestamptz := '-infinity';
    last_due timestamptz;
    moved integer;
begin
    select not now_us - a.last_value between 0 and 1000000, m.last_value into whole, mark
    from queue.promoted_all a, queue.promoted_to m;
    if not whole then
        since := queue.promoted_since();
    end if;
    with due as (
        delete from queue.scheduled s
        using (select x.ctid as tid from queue.scheduled x where x.due_at > since and x.due_at <= t
            order by x.due_at limit p_limit for update skip locked) u
        where s.ctid = u.tid
        returning s.*
    ), ready as (
        insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at, available_at, error)
        select id, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at, due_at, error from due
    ), counted as (
        insert into queue.delta (lane, kind, was, became, n)
        select lane, kind, case when retry then 'retryable' else 'scheduled' end, 'available', count(*) from due group by 1, 2, 3
    ), woken as (
        select queue.wake(array(select distinct l.queue from due d join queue.lane l on l.id = d.lane))
        from (select from due limit 1) x
    )
    select count(*), max(due_at) into moved, last_due from due, (select count(*) from woken) w;
    if moved < p_limit then
        if whole then
            perform setval('queue.promoted_all', now_us);
        end if;
        if not now_us - mark between 0 and 250000 then
            perform setval('queue.promoted_to', now_us);
        end if;
    elsif last_due > to_timestamp(mark / 1e6) then
        perform setval('queue.promoted_to', (extract(epoch from last_due) * 1000000)::bigint);
    end if;
    return moved;
end $$;

-- The number of attempts of a queue that may begin: `p_limit`, or fewer under a cap; null: the queue is
-- paused. Under a cap the caller's transaction locks the queue's row, and a statement after the wait counts,
-- so that its snapshot includes the claims waited for.
create or replace function queue.claimable(p_queue text, p_limit integer) returns integer
language plpgsql as $$
declare
    v_cap integer;
begin
    select q.cap into v_cap from queue.queue q where q.name = p_queue and not q.paused;
    if not found then
        return null;
    end if;
    if v_cap is null then
        return p_limit;
    end if;
    perform from queue.queue q where q.name = p_queue for no key update;
    return (
        select greatest(least(p_limit, v_cap - count(*)), 0)
        from queue.running r where r.lane = any (array(select l.id from queue.lane l where l.queue = p_queue)));
end $$;

-- The first `p_limit` jobs of these lanes in claim order: of each lane the jobs after its cursor, at most its
-- bound. Takes no locks. Reads in rounds: a few rows of each lane, then more only of lanes whose next rows
-- can still be among the first. The cost is that of the rows returned and one probe for each lane.
create or replace function queue.first_ready(
    p_lanes integer[], p_priorities smallint[], p_ids bigint[], p_bounds bigint[], p_limit integer, p_kinds text[])
returns table (tid tid, id bigint, lane integer, priority smallint)
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
#variable_conflict use_column
declare
    lanes integer[] := p_lanes;            -- lanes that may have more rows
    priorities smallint[] := p_priorities; -- the place up to which each of them has been read
    after bigint[] := p_ids;
    left_ bigint[] := p_bounds;
    tids tid[] := '{}';
    ids bigint[] := '{}';
    in_lane integer[] := '{}';
    ranks smallint[] := '{}';
    chunk bigint := greatest(1, least(p_limit, 2 * p_limit / greatest(cardinality(p_lanes), 1)));
    last_priority smallint;
    last_id bigint;
begin
    loop
        with got as materialized (
            select u.lane, r.tid, r.id, r.priority, u.bound, u.i
            from (select l.*, least(l.bound, chunk) as n from unnest(lanes, priorities, after, left_)
                with ordinality l(lane, priority, after, bound, i) offset 0) u
            cross join lateral (
                select r.ctid as tid, r.id, r.priority from queue.ready r
                where r.lane = u.lane and (r.priority, r.id) > (u.priority, u.after) and r.kind = any (p_kinds)
                order by r.lane, r.priority, r.id limit u.n
            ) r
        ), ends as (
            select g.lane, max(g.bound) - count(*) as bound, count(*) as n,
                max(g.priority) as priority, (array_agg(g.id order by g.priority desc, g.id desc))[1] as after
            from got g group by g.lane
        ), more as (
            select array_agg(e.lane) as lanes, array_agg(e.priority) as priorities, array_agg(e.after) as after, array_agg(e.bound) as bounds
            from ends e where e.n >= chunk and e.bound > 0
        )
        select tids || coalesce(g.new_tids, '{}'), ids || coalesce(g.new_ids, '{}'), in_lane || coalesce(g.new_lanes, '{}'), ranks || coalesce(g.new_ranks, '{}'),
            m.lanes, m.priorities, m.after, m.bounds
        into tids, ids, in_lane, ranks, lanes, priorities, after, left_
        from (select array_agg(x.tid) as new_tids, array_agg(x.id) as new_ids, array_agg(x.lane) as new_lanes, array_agg(x.priority) as new_ranks from got x) g,
            more m;
        exit when lanes is null;
        if cardinality(ids) >= p_limit then
            -- only a lane that is read less far than the last of the first `p_limit` jobs can have more of
            -- them
            select x.priority, x.id into last_priority, last_id
            from unnest(ranks, ids) x(priority, id) order by x.priority, x.id offset p_limit - 1 limit 1;
            select array_agg(x.lane), array_agg(x.priority), array_agg(x.after), array_agg(x.bound) into lanes, priorities, after, left_
            from unnest(lanes, priorities, after, left_) x(lane, priority, after, bound)
            where (x.priority, x.after) < (last_priority, last_id);
            exit when lanes is null;
        end if;
        chunk := least(chunk * 4, p_limit);
    end loop;
    return query
    select x.tid, x.id, x.lane, x.priority from unnest(tids, ids, in_lane, ranks) x(tid, id, lane, priority)
    order by x.priority, x.id limit p_limit;
end $$;

-- Those of these lanes, all with keys, that a key may be able to serve at `p_at`. Reads the keys without a
-- lock, so that a lane whose keys are known to be closed costs nothing else. A lane falls back to its next
-- key only if the key before it stays closed for longer than its `fallback_after`.
create or replace function queue.open_lanes(p_lanes integer[], p_at timestamptz) returns integer[]
language plpgsql stable set enable_seqscan = off set jit = off as $$
begin
    return array(
        select distinct x.lane from (
            select lk.lane, c.until > p_at as closed,
                coalesce(bool_or(c.until > p_at and (lk.fallback_after is null or c.until <= p_at + lk.fallback_after))
                    over (partition by lk.lane order by lk.position rows between unbounded preceding and 1 preceding), false) as waits
            from queue.lane_key lk
            join queue.limit_key k on k.id = lk.key
            left join queue.limit_key p on p.id = k.parent
            cross join lateral (select coalesce(greatest(k.parked_until, k.open_until, k.closed_until,
                p.parked_until, p.open_until, p.closed_until), '-infinity') as until) c
            where lk.lane = any (p_lanes)
        ) x where not x.closed and not x.waits);
end $$;

-- Locks the keys of these lanes and their parents, in order, and folds their settlements. Returns the keys
-- that it locked. Keys that other transactions hold are skipped. With `p_wait`, and if they keep every lane
-- from being served, it waits for them half a second first.
create or replace function queue.lock_keys(p_lanes integer[], p_wait boolean) returns integer[]
language plpgsql set lock_timeout = '500ms' set enable_seqscan = off set jit = off as $$
declare
    wanted integer[];
    keys integer[];
begin
    perform queue.notice_failover();
    wanted := array(
        select k.id from queue.lane_key lk join queue.limit_key k on k.id = lk.key where lk.lane = any (p_lanes)
        union
        select k.parent from queue.lane_key lk join queue.limit_key k on k.id = lk.key where lk.lane = any (p_lanes) and k.parent is not null);
    if p_wait then
        begin
            keys := array(select l.id from queue.limit_key l where l.id = any (wanted) order by l.id for no key update skip locked);
            if cardinality(keys) < cardinality(wanted) and queue.lanes_of(p_lanes, keys) is null then
                raise exception 'other transactions hold the keys' using errcode = 'QU005';  -- releases them: waits lock in order
            end if;
        exception when sqlstate 'QU005' then
            begin
                keys := array(select l.id from queue.limit_key l where l.id = any (wanted) order by l.id for no key update);
            exception when lock_not_available then
                p_wait := false;
            end;
        end;
    end if;
    if not p_wait then
        keys := array(select l.id from queue.limit_key l where l.id = any (wanted) order by l.id for no key update skip locked);
    end if;
    perform from queue.settlement s where s.key = any (keys) and s.added_in >= (select m.settlement from queue.call_mark m) limit 1;
    if found then
        perform queue.fold_settlements(keys);
    end if;
    return keys;
end $$;

-- Those of these lanes all of whose keys, and their parents, are among `p_keys`; null: none.
create or replace function queue.lanes_of(p_lanes integer[], p_keys integer[]) returns integer[]
language plpgsql stable as $$
begin
    return (
        select array_agg(l.lane) from unnest(p_lanes) l(lane)
        where not exists (
            select from queue.lane_key y join queue.limit_key z on z.id = y.key
            where y.lane = l.lane and (y.key <> all (p_keys) or z.parent <> all (p_keys))));
end $$;

-- What these keys can serve at `p_at`, and which lanes they serve: arrays in the order of `p_keys`, and arrays
-- in the order of the lanes' keys. A lane with a key that is not among `p_keys` is left out. `p_heads`: the
-- priority of each lane's first job.
create or replace function queue.serving(
    p_keys integer[], p_at timestamptz, p_limit integer, p_lanes integer[], p_heads smallint[],
    -- of each key: its capacity, and the part open to jobs that are not urgent
    out free bigint[], out free_tokens bigint[], out free_micros bigint[],
    out common bigint[], out common_tokens bigint[], out common_micros bigint[],
    out calls bigint[],          -- calls that may begin
    out urgent smallint[],       -- the last urgent priority
    out probes boolean[],        -- its breaker is half open: the call is the probe
    -- of each key of a lane
    out lk_lane integer[],
    out lk_key integer[],        -- place of the key in p_keys
    out lk_up integer[],         -- place of its parent
    out lk_fallback_after interval[], out lk_requests integer[], out lk_tokens bigint[], out lk_micros bigint[],
    out bounds bigint[])         -- of each lane: the most jobs that its keys can serve
language plpgsql as $$
begin
    select array_agg(m.requests order by m.key), array_agg(m.tokens order by m.key), array_agg(m.micros order by m.key),
        array_agg(m.common_requests order by m.key), array_agg(m.common_tokens order by m.key), array_agg(m.common_micros order by m.key),
        array_agg(m.calls order by m.key), array_agg(m.urgent order by m.key), array_agg(m.half_open order by m.key)
    into free, free_tokens, free_micros, common, common_tokens, common_micros, calls, urgent, probes
    from queue.capacity(p_keys, p_at) m;
    if 1 > any (free) then
        perform queue.note_closed(p_keys, p_at);
    end if;
    select array_agg(lk.lane order by lk.lane, lk.position),
        array_agg(array_position(p_keys, lk.key) order by lk.lane, lk.position),
        array_agg(array_position(p_keys, k.parent) order by lk.lane, lk.position),
        array_agg(lk.fallback_after order by lk.lane, lk.position), array_agg(lk.requests order by lk.lane, lk.position),
        array_agg(lk.tokens order by lk.lane, lk.position), array_agg(lk.micros order by lk.lane, lk.position)
    into lk_lane, lk_key, lk_up, lk_fallback_after, lk_requests, lk_tokens, lk_micros
    from queue.lane_key lk join queue.limit_key k on k.id = lk.key
    where lk.lane = any (queue.lanes_of(p_lanes, p_keys));  -- others are left to the next claim
    bounds := array(
        select coalesce((
            select sum(greatest(0, least(p_limit, calls[x.k], calls[x.up],
                case when l.head <= urgent[x.k] then least(free[x.k] / x.requests, free_tokens[x.k] / x.tokens, free_micros[x.k] / x.micros)
                    else least(common[x.k] / x.requests, common_tokens[x.k] / x.tokens, common_micros[x.k] / x.micros) end,
                case when l.head <= urgent[x.up] then least(free[x.up] / x.requests, free_tokens[x.up] / x.tokens, free_micros[x.up] / x.micros)
                    else least(common[x.up] / x.requests, common_tokens[x.up] / x.tokens, common_micros[x.up] / x.micros) end)))
            from (select u.lane, u.k, u.up, nullif(u.requests, 0) as requests, nullif(u.tokens, 0) as tokens, nullif(u.micros, 0) as micros
                from unnest(lk_lane, lk_key, lk_up, lk_requests, lk_tokens, lk_micros) u(lane, k, up, requests, tokens, micros)) x
            where x.lane = l.lane), 0)
        from unnest(p_lanes, p_heads) with ordinality l(lane, head, i) order by l.i);
end $$;

-- Chooses for each candidate a key that can serve it at `p_at`, in claim order; a candidate without one is
-- left out. The caller holds `p_keys`, in order. Candidates are the given jobs of free lanes and the first
-- jobs of the limited lanes. A limited lane is read only as far as its keys have capacity: an exhausted lane
-- costs nothing more.
create or replace function queue.plan_grants(
    p_keys integer[], p_at timestamptz, p_limit integer, p_kinds text[],
    p_lanes integer[], p_priorities smallint[], p_ids bigint[], p_heads smallint[],  -- limited lanes, their cursors, and the priority of each lane's first job
    p_free_tids tid[], p_free_ids bigint[], p_free_priorities smallint[])
returns table (tid tid, id bigint, key integer, requests integer, tokens bigint, micros bigint, probe boolean)
language plpgsql set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
    s record;                -- as of queue.serving
    used bigint[];           -- taken by this claim
    used_tokens bigint[];
    used_micros bigint[];
    used_calls bigint[];
    far timestamptz[];       -- when a lane's full key serves again; null: not computed yet
    shut integer[] := '{}';
    n integer := 0;
    k integer;
    up integer;
    chosen integer;
    c record;
begin
    select * into s from queue.serving(p_keys, p_at, p_limit, p_lanes, p_heads);
    used := array_fill(0::bigint, array[cardinality(p_keys)]);
    used_tokens := used;
    used_micros := used;
    used_calls := used;
    far := array_fill(null::timestamptz, array[coalesce(cardinality(s.lk_lane), 0)]);

    -- one lane with one key and no urgent reserve: all jobs up to its bound are served
    if cardinality(p_lanes) = 1 and cardinality(s.lk_lane) = 1 and p_free_tids is null
        and s.free = s.common and s.free_tokens = s.common_tokens and s.free_micros = s.common_micros then
        k := s.lk_key[1];
        return query
        select x.tid, x.id, p_keys[k], s.lk_requests[1] - 1, s.lk_tokens[1], s.lk_micros[1], s.probes[k]
        from queue.first_ready(p_lanes, p_priorities, p_ids, s.bounds, p_limit, p_kinds) x;
        return;
    end if;
    for c in
        select x.tid, x.id, x.priority, x.lane from queue.first_ready(p_lanes, p_priorities, p_ids, s.bounds, p_limit, p_kinds) x
        union all
        select f.tid, f.id, f.priority, null from unnest(p_free_tids, p_free_ids, p_free_priorities) f(tid, id, priority)
        order by 3, 2
    loop
        exit when n >= p_limit;
        if c.lane is null then
            n := n + 1;
            return query select c.tid, c.id, null::integer, 0, 0::bigint, 0::bigint, false;
            continue;
        end if;
        continue when c.lane = any (shut);
        chosen := null;
        for i in 1 .. cardinality(s.lk_lane) loop
            continue when s.lk_lane[i] <> c.lane;
            k := s.lk_key[i];
            up := s.lk_up[i];
            if used_calls[k] < s.calls[k] and (
                case when c.priority <= s.urgent[k]
                    then s.free[k] - used[k] >= s.lk_requests[i] and s.free_tokens[k] - used_tokens[k] >= s.lk_tokens[i] and s.free_micros[k] - used_micros[k] >= s.lk_micros[i]
                    else s.common[k] - used[k] >= s.lk_requests[i] and s.common_tokens[k] - used_tokens[k] >= s.lk_tokens[i] and s.common_micros[k] - used_micros[k] >= s.lk_micros[i] end
                and (up is null or used_calls[up] < s.calls[up] and case when c.priority <= s.urgent[up]
                    then s.free[up] - used[up] >= s.lk_requests[i] and s.free_tokens[up] - used_tokens[up] >= s.lk_tokens[i] and s.free_micros[up] - used_micros[up] >= s.lk_micros[i]
                    else s.common[up] - used[up] >= s.lk_requests[i] and s.common_tokens[up] - used_tokens[up] >= s.lk_tokens[i] and s.common_micros[up] - used_micros[up] >= s.lk_micros[i] end)
            ) then
                chosen := i;
                exit;
            end if;
            -- full: falls back to the next key only if this one stays full for longer than `fallback_after`
            exit when s.lk_fallback_after[i] is null;
            if far[i] is null then
                far[i] := (
                    select x.soonest from queue.permit_times(
                        p_keys[k], p_at, used[k] + s.lk_requests[i], used_tokens[k] + s.lk_tokens[i], used_micros[k] + s.lk_micros[i], c.priority <= s.urgent[k]) x);
            end if;
            exit when far[i] <= p_at + s.lk_fallback_after[i];
        end loop;
        if chosen is null then
            shut := shut || c.lane;  -- first in, first served: a later job of the lane must not overtake
            continue;
        end if;
        k := s.lk_key[chosen];
        up := s.lk_up[chosen];
        used[k] := used[k] + s.lk_requests[chosen];
        used_tokens[k] := used_tokens[k] + s.lk_tokens[chosen];
        used_micros[k] := used_micros[k] + s.lk_micros[chosen];
        used_calls[k] := used_calls[k] + 1;
        if up is not null then
            used[up] := used[up] + s.lk_requests[chosen];
            used_tokens[up] := used_tokens[up] + s.lk_tokens[chosen];
            used_micros[up] := used_micros[up] + s.lk_micros[chosen];
            used_calls[up] := used_calls[up] + 1;
        end if;
        n := n + 1;
        tid := c.tid;
        id := c.id;
        key := p_keys[k];
        requests := s.lk_requests[chosen] - 1;
        tokens := s.lk_tokens[chosen];
        micros := s.lk_micros[chosen];
        probe := s.probes[k];
        return next;
    end loop;
end $$;

-- Makes these rows of queue.ready attempts, each under its key and with its reservation, and posts the calls
-- of keys that count from the start. A row that another transaction holds or has taken is skipped.
create or replace function queue.take(
    p_process uuid, p_lease bigint, p_at timestamptz, p_tids tid[], p_jobs bigint[],
    p_keys integer[], p_requests integer[], p_tokens bigint[], p_micros bigint[], p_probes boolean[])
returns setof queue.claimed
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
begin
    return query
    with gone as (
        delete from queue.ready r
        using (
            select x.tid, u.key, u.requests, u.tokens, u.micros, u.probe
            from unnest(p_tids, p_jobs, p_keys, p_requests, p_tokens, p_micros, p_probes) u(tid, id, key, requests, tokens, micros, probe)
            cross join lateral (select y.ctid as tid from queue.ready y where y.ctid = u.tid and y.id = u.id limit 1 for update skip locked) x
            offset 0
        ) u
        where r.ctid = u.tid
        returning r.*, u.key, u.requests, u.tokens, u.micros, u.probe
    ), moved as (
        insert into queue.running as x (id, process, lease, claimed_at, key, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at, available_at, requests, tokens, micros, probe)
        select g.id, p_process, p_lease, p_at, g.key, g.lane, g.priority, g.kind, g.attempt + 1, g.max_attempts, g.args, g.unique_key, g.unique_until, g.tags, g.parent, g.trace,
            g.created_at, g.available_at, coalesce(g.requests, 0), coalesce(g.tokens, 0), coalesce(g.micros, 0), coalesce(g.probe, false)
        from gone g
        returning x.*
    ), freed as (
        delete from queue.unique_key u using gone g
        where g.unique_until = 'claimed' and u.kind = g.kind and u.key = g.unique_key and u.job = g.id
    ), counted as (
        insert into queue.delta (lane, kind, was, became, duration, n)
        select g.lane, g.kind, 'available', 'running', queue.duration_class(p_at - g.available_at), count(*)
        from gone g group by 1, 2, 5
    ), granted as (
        -- tokens and money are posted when the call ends; until then they are reserved
        insert into queue.permit_grant (key, at, kind, requests, cum_requests, cum_tokens, cum_micros)
        select k.id, greatest(p_at, coalesce(last.at, '-infinity') + interval '1 microsecond'), 'grant', n.n,
            coalesce(last.cum_requests, 0) + n.n, coalesce(last.cum_tokens, 0), coalesce(last.cum_micros, 0)
        from (
            select x.key, sum(x.n)::integer as n from (
                select g.key, count(*) as n from gone g where g.key is not null group by 1
                union all
                select k.parent, count(*) from gone g join queue.limit_key k on k.id = g.key where k.parent is not null group by 1
            ) x group by 1
        ) n
        join queue.limit_key k on k.id = n.key and k.counts = 'start'
        left join lateral (
            select g.at, g.cum_requests, g.cum_tokens, g.cum_micros
            from queue.permit_grant g where g.key = k.id order by g.key, g.at desc limit 1
        ) last on true
    )
    select m.id, m.kind, (select l.name from queue.lane l where l.id = m.lane), m.lane, m.priority, m.attempt, m.max_attempts,
        coalesce(m.args, (select p.args from queue.payload p where p.job = m.id), '{}'), m.unique_key, m.tags, m.parent, m.trace, m.created_at, m.available_at,
        case when m.key is not null then (select k.name from queue.limit_key k where k.id = m.key) end,
        case when m.key is not null then (select k.guard from queue.limit_key k where k.id = m.key and k.counts = 'start') end,
        m.tokens, m.micros
    from moved m
    order by m.priority, m.id;
end $$;

-- Claims up to `p_limit` jobs of a queue for a process, of kinds that it knows, each under a key of its lane
-- that can serve it now. `p_lanes`, `p_priorities` and `p_ids` are cursors: of these lanes the claim reads
-- only jobs after the cursor, past the rows that earlier claims deleted and that vacuum cannot remove while
-- another transaction holds an old snapshot. Jobs that a cursor hides are found by a claim without cursors.
--
-- No window is exceeded, because one statement locks the keys and the next reads the ledger: its snapshot is
-- taken after the wait, and so is `t`. A single statement for both would read a ledger older than its lock
-- and grant too much. A lane without keys neither locks nor reads the keys of another lane, and of the jobs
-- only those that are claimed are locked.
create or replace function queue.claim(
    p_process uuid, p_lease bigint, p_queue text, p_limit integer, p_kinds text[],
    p_lanes integer[] default '{}', p_priorities smallint[] default '{}', p_ids bigint[] default '{}')
returns setof queue.claimed
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
#variable_conflict use_column
declare
    t timestamptz;
    v_limit integer;
    free_lanes integer[];      -- lanes without keys where jobs wait, and their cursors
    free_priorities smallint[];
    free_ids bigint[];
    lanes integer[];           -- lanes with keys
    priorities smallint[];
    ids bigint[];
    heads smallint[];          -- the first job of each
    head_ids bigint[];
    open integer[];            -- lanes with keys that may be served
    keys integer[];
    tids tid[];                -- the plan: rows, jobs, and the key and the reservation of each
    jobs bigint[];
    ranks smallint[];
    in_lane integer[];
    by_key integer[];
    by_requests integer[];
    by_tokens bigint[];
    by_micros bigint[];
    by_probe boolean[];
    planned integer;
    taken integer;
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'queue.claim needs read committed, not %', current_setting('transaction_isolation') using errcode = '25001';
    end if;
    perform from queue.process p where p.id = p_process and p.dead_at is null and p.ended_at is null;
    if not found then
        raise exception 'process % was declared dead', p_process using errcode = 'QU001';
    end if;
    perform queue.promote();
    v_limit := queue.claimable(p_queue, p_limit);
    if v_limit is null or v_limit = 0 then
        return;
    end if;

    -- lanes with waiting jobs, found by one probe each
    select array_agg(l.id) filter (where l.free), array_agg(l.priority) filter (where l.free), array_agg(l.after) filter (where l.free),
        array_agg(l.id) filter (where not l.free), array_agg(l.priority) filter (where not l.free), array_agg(l.after) filter (where not l.free),
        array_agg(h.priority) filter (where not l.free), array_agg(h.id) filter (where not l.free)
    into free_lanes, free_priorities, free_ids, lanes, priorities, ids, heads, head_ids
    from (
        select l.id, coalesce(m.priority, -1::smallint) as priority, coalesce(m.id, 0) as after,
            (select true from queue.lane_key lk where lk.lane = l.id limit 1) is null as free
        from queue.lane l left join unnest(p_lanes, p_priorities, p_ids) m(lane, priority, id) on m.lane = l.id
        where l.queue = p_queue offset 0
    ) l
    cross join lateral (
        select r.priority, r.id from queue.ready r
        where r.lane = l.id and (r.priority, r.id) > (l.priority, l.after) order by r.lane, r.priority, r.id limit 1
    ) h;
    t := clock_timestamp();
    if lanes is not null then
        open := queue.open_lanes(lanes, t);
    end if;

    for round in 1 .. 4 loop
        if cardinality(free_lanes) = 1 and coalesce(cardinality(open), 0) = 0 then
            -- the only lane with claimable jobs: its rows are locked as they are read
            select array_agg(x.tid), array_agg(x.id) into tids, jobs from (
                select r.ctid as tid, r.id from queue.ready r
                where r.lane = free_lanes[1] and (r.priority, r.id) > (free_priorities[1], free_ids[1]) and r.kind = any (p_kinds)
                order by r.lane, r.priority, r.id limit v_limit for update skip locked
            ) x;
        elsif free_lanes is not null then
            select array_agg(x.tid), array_agg(x.id), array_agg(x.priority), array_agg(x.lane) into tids, jobs, ranks, in_lane
            from queue.first_ready(free_lanes, free_priorities, free_ids, array_fill(v_limit::bigint, array[cardinality(free_lanes)]), v_limit, p_kinds) x;
        end if;
        planned := coalesce(cardinality(tids), 0);
        if cardinality(open) > 0 and (planned < v_limit or exists (
            select from unnest(lanes, heads, head_ids) h(lane, priority, id)
            where h.lane = any (open) and (h.priority, h.id) < (ranks[planned], jobs[planned]))) then
            keys := queue.lock_keys(open, planned = 0);
            t := clock_timestamp();
            select array_agg(g.tid), array_agg(g.id), array_agg(g.key), array_agg(g.requests), array_agg(g.tokens), array_agg(g.micros), array_agg(g.probe)
            into tids, jobs, by_key, by_requests, by_tokens, by_micros, by_probe
            from (select array_agg(l.lane) as lanes, array_agg(l.priority) as priorities, array_agg(l.id) as ids, array_agg(l.head) as heads
                from unnest(lanes, priorities, ids, heads) l(lane, priority, id, head) where l.lane = any (open)) o
            cross join lateral queue.plan_grants(keys, t, v_limit, p_kinds, o.lanes, o.priorities, o.ids, o.heads, tids, jobs, ranks) g;
            planned := coalesce(cardinality(tids), 0);
        end if;
        exit when planned = 0;

        return query select * from queue.take(p_process, p_lease, t, tids, jobs, by_key, by_requests, by_tokens, by_micros, by_probe);
        get diagnostics taken = row_count;
        -- rows that another transaction holds were skipped: a claim of several lanes continues after them
        v_limit := v_limit - taken;
        exit when v_limit = 0 or taken = planned or keys is not null or in_lane is null;
        select array_agg(l.lane), array_agg(coalesce(x.priority, l.priority)), array_agg(coalesce(x.id, l.id)) into free_lanes, free_priorities, free_ids
        from unnest(free_lanes, free_priorities, free_ids) l(lane, priority, id)
        left join (
            select distinct on (c.lane) c.lane, c.priority, c.id from unnest(in_lane, ranks, jobs) c(lane, priority, id)
            order by c.lane, c.priority desc, c.id desc
        ) x on x.lane = l.lane;
    end loop;
end $$;

-- Time until a claim of this queue may find work that is not there now: the next due job or the next permit.
-- Null: no work is known to come. Cursors as in `claim`.
create or replace function queue.next_work(
    p_queue text, p_lanes integer[] default '{}', p_priorities smallint[] default '{}', p_ids bigint[] default '{}'
) returns interval
language plpgsql stable set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
declare
    t timestamptz := clock_timestamp();
    soonest timestamptz;
begin
    select min(x.at) into soonest from (
        (select s.due_at as at from queue.scheduled s where s.due_at > (select queue.promoted_since()) order by s.due_at limit 1)
        union all
        select case when k.until > t then k.until else n.at end
        from (
            select l.id, coalesce(m.priority, -1::smallint) as priority, coalesce(m.id, 0) as after
            from queue.lane l left join unnest(p_lanes, p_priorities, p_ids) m(lane, priority, id) on m.lane = l.id
            where l.queue = p_queue offset 0
        ) l
        -- a first key that is known to be closed and that never falls back
        left join lateral (
            select greatest(k.parked_until, k.open_until, k.closed_until, p.parked_until, p.open_until, p.closed_until) as until
            from queue.lane_key lk join queue.limit_key k on k.id = lk.key left join queue.limit_key p on p.id = k.parent
            where lk.lane = l.id and lk.position = 0 and lk.fallback_after is null limit 1
        ) k on true
        left join lateral (
            select case when (select true from queue.lane_key lk where lk.lane = l.id limit 1)
                then (select min(y.at) from queue.lane_times(l.id, t) y) else t end as at
            where coalesce(k.until <= t, true)
        ) n on true
        where exists (
            select from queue.ready r
            where r.lane = l.id and (r.priority, r.id) > (l.priority, l.after) order by r.lane, r.priority, r.id limit 1)
    ) x
    where x.at < 'infinity';
    -- `greatest` ignores nulls: without the case, no work would become work now
    return case when soonest is not null then greatest(soonest - clock_timestamp(), '0') end;
end $$;
