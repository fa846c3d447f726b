-- Capacity of limit keys: the calls that a key can serve, and the time of its next permit. Functions that a
-- claim calls are plpgsql even where plain SQL would do: plpgsql plans a statement once a connection, a SQL
-- function at every call.

-- These keys and their parents, in locking order. A transaction that grants permits must lock all of them.
create or replace function queue.with_parents(p_keys integer[]) returns integer[]
language plpgsql stable as $$
begin
    return array(
        select k.id from queue.limit_key k where k.id = any (p_keys)
        union
        select k.parent from queue.limit_key k where k.id = any (p_keys) and k.parent is not null
        order by 1);
end $$;

-- Each window of these keys, with the amount it allows and the amount in use at `p_at`. In use are: the
-- ledger's rows since the window began, settlements that are not folded yet, reservations of calls in flight,
-- and the calls in flight themselves if the key counts from the finish. One statement reads all of them, so
-- that no call is missed between two of them.
create or replace function queue.windows(p_keys integer[], p_at timestamptz)
returns table (key integer, no smallint, dimension text, amount bigint, posted bigint, used bigint, held bigint, since timestamptz, resets_at timestamptz)
language sql stable as $$
    select k.id, w.no, w.dimension, a.amount,
        p.posted::bigint, (p.posted + u.n + h.n)::bigint, h.n::bigint, o.since,
        case when w.calendar is not null then (date_trunc(w.calendar, p_at at time zone w.zone) + ('1 ' || w.calendar)::interval) at time zone w.zone end
    from queue.call_mark mark cross join queue.limit_key k
    cross join lateral (select k.id || array(select c.id from queue.limit_key c where c.parent = k.id) as ids offset 0) m
    left join lateral (
        select g.at, g.cum_requests, g.cum_tokens, g.cum_micros
        from queue.permit_grant g where g.key = k.id order by g.key, g.at desc limit 1
    ) last on true
    join queue.limit_window w on w.key = k.id
    cross join lateral (select case when w.override_until > p_at then w.override_amount else w.amount end as amount) a
    cross join lateral (select case
        when w.period is not null then greatest(p_at, last.at) - w.period - k.guard
        else date_trunc(w.calendar, greatest(p_at, last.at), w.zone) - k.guard - interval '1 microsecond' end as since) o
    cross join lateral (
        select coalesce(sum(case w.dimension
            when 'requests' then r.requests + case k.counts when 'finish' then 1 else 0 end
            when 'tokens' then r.tokens else r.micros end), 0) as n
        from queue.running r
        -- reads nothing where calls in flight do not count
        where r.key = any (m.ids) and r.added_in >= mark.running and (k.counts = 'finish' or w.dimension <> 'requests'
            or (select true from queue.lane_key lk where lk.key = any (m.ids) and lk.requests > 1 limit 1))
    ) h
    cross join lateral (  -- at its own time or right after the last row: where the next fold will put it
        select coalesce(sum(case w.dimension when 'requests' then s.requests when 'tokens' then s.tokens else s.micros end), 0) as n
        from queue.settlement s
        where s.key = any (m.ids) and s.added_in >= mark.settlement and greatest(s.at, last.at) > o.since
    ) u
    left join lateral (  -- the first row inside the window: the total before it is the base, so pruned rows are not missed
        select case w.dimension
            when 'requests' then g.cum_requests - g.requests
            when 'tokens' then g.cum_tokens - g.tokens
            else g.cum_micros - g.micros end as before
        from queue.permit_grant g
        where g.key = k.id and g.at > o.since
        order by g.key, g.at limit 1
    ) base on true
    cross join lateral (select coalesce(case w.dimension
        when 'requests' then last.cum_requests
        when 'tokens' then last.cum_tokens
        else last.cum_micros end - base.before, 0) as posted) p
    where k.id = any (p_keys)
$$;

-- Capacity of each key at `p_at` by its own windows, and the calls that may begin: 0 while the key is parked
-- or its breaker is open, 1 while the breaker is half open and no probe is under way. `common`: the part open
-- to jobs that are not urgent. `flying`: calls in flight, counted only for keys with a cap on them.
create or replace function queue.capacity(p_keys integer[], p_at timestamptz)
returns table (
    key integer, parent integer, requests bigint, tokens bigint, micros bigint,
    common_requests bigint, common_tokens bigint, common_micros bigint, urgent smallint,
    calls bigint, flying bigint, half_open boolean)
language plpgsql stable as $$
#variable_conflict use_column
begin
    return query
    select k.id, k.parent, w.requests, w.tokens, w.micros, w.common_requests, w.common_tokens, w.common_micros, k.urgent,
        least(coalesce(k.in_flight - f.n, 1000000), o.calls), f.n, k.open_until is not null
    from queue.call_mark mark cross join queue.limit_key k
    cross join lateral (select k.id || array(select c.id from queue.limit_key c where c.parent = k.id) as ids offset 0) m
    cross join lateral (
        select (select count(*) from queue.running r where k.in_flight is not null and r.key = any (m.ids) and r.added_in >= mark.running)
            + (select count(*) from queue.settlement s where k.in_flight is not null and s.key = any (m.ids) and s.added_in >= mark.settlement and s.at > p_at) as n
    ) f
    cross join lateral (select case
        when k.parked_until > p_at or k.open_until > p_at then 0
        when k.open_until is null then 1000000
        when (select true from queue.running r where r.key = k.id and r.added_in >= mark.running and r.probe limit 1) then 0
        else 1 end as calls) o
    cross join lateral (
        select coalesce(min(x.amount - x.used) filter (where x.dimension = 'requests'), 1000000) as requests,
            coalesce(min(x.amount - x.used) filter (where x.dimension = 'tokens'), 1000000000000000) as tokens,
            coalesce(min(x.amount - x.used) filter (where x.dimension = 'money'), 1000000000000000) as micros,
            coalesce(min(floor(x.amount * (1 - k.share))::bigint - x.used) filter (where x.dimension = 'requests'), 1000000) as common_requests,
            coalesce(min(floor(x.amount * (1 - k.share))::bigint - x.used) filter (where x.dimension = 'tokens'), 1000000000000000) as common_tokens,
            coalesce(min(floor(x.amount * (1 - k.share))::bigint - x.used) filter (where x.dimension = 'money'), 1000000000000000) as common_micros
        from queue.windows(array[k.id], p_at) x
    ) w
    where k.id = any (p_keys);
end $$;

-- Stores for each of these keys the time until which its windows of requests are full by the ledger alone:
-- the end of a call cannot make it earlier. The caller holds the keys; claims read the time without a lock.
create or replace function queue.note_closed(p_keys integer[], p_at timestamptz) returns void
language plpgsql as $$
begin
    update queue.limit_key k
    set closed_until = c.until
    from (
        select v.key, max(least(
            case when w.override_until > p_at and w.override_amount < w.amount then w.override_until end,
            case when w.calendar is not null then v.resets_at else (
                select g.at + w.period + o.guard from queue.permit_grant g
                where g.key = v.key and g.at > v.since and last.cum_requests - g.cum_requests < v.amount
                order by g.key, g.at limit 1) end)) as until
        from queue.windows(p_keys, p_at) v
        join queue.limit_window w on w.key = v.key and w.no = v.no
        join queue.limit_key o on o.id = v.key
        cross join lateral (
            select g.cum_requests from queue.permit_grant g where g.key = v.key order by g.key, g.at desc limit 1
        ) last
        where v.dimension = 'requests' and v.posted >= v.amount
        group by v.key
    ) c
    where k.id = c.key and c.until > p_at + interval '100 ms' and k.closed_until is distinct from c.until;
end $$;

-- The time at which each window of a key can next serve this amount, not before `p_at`. Infinity: not before
-- calls in flight have ended; `soonest` is the time if they ended now. `p_own`, `p_own_tokens` and
-- `p_own_micros`: the caller's own part of what is in flight.
create or replace function queue.window_permits(
    p_key integer, p_at timestamptz, p_requests bigint, p_tokens bigint, p_micros bigint, p_urgent boolean default true,
    p_own bigint default 0, p_own_tokens bigint default 0, p_own_micros bigint default 0)
returns table (no smallint, at timestamptz, soonest timestamptz)
language sql stable as $$
    select x.no, least(case when held.n + want.n > x.amount and want.flies and y.at > p_at then 'infinity' else y.at end, ends.at), least(y.at, ends.at)
    from queue.call_mark mark cross join queue.limit_key k
    cross join lateral (select k.id || array(select c.id from queue.limit_key c where c.parent = k.id) as ids offset 0) m
    left join lateral (
        select g.cum_requests, g.cum_tokens, g.cum_micros
        from queue.permit_grant g where g.key = k.id order by g.key, g.at desc limit 1
    ) last on true
    cross join lateral (
        select v.no, v.dimension, case when p_urgent then v.amount else floor(v.amount * (1 - k.share))::bigint end as amount,
            v.used, v.held, v.since, v.resets_at
        from queue.windows(array[p_key], p_at) v
    ) x
    join queue.limit_window w on w.key = k.id and w.no = x.no
    cross join lateral (select
        case w.dimension when 'requests' then p_requests when 'tokens' then p_tokens else p_micros end as n,
        w.dimension <> 'requests' or k.counts = 'finish' as flies  -- counts until the call ends
    ) want
    cross join lateral (select case w.dimension
        when 'tokens' then p_own_tokens
        when 'money' then p_own_micros
        else case k.counts when 'finish' then p_own else 0 end end as n) own
    cross join lateral (select x.held - own.n as n) held
    cross join lateral (
        select coalesce(sum(case w.dimension when 'requests' then s.requests when 'tokens' then s.tokens else s.micros end), 0) as n,
            min(s.at) as at
        from queue.settlement s where s.key = any (m.ids) and s.added_in >= mark.settlement
    ) u
    cross join lateral (select case
        when want.n = 0 or x.used - own.n + want.n <= x.amount then p_at
        when w.calendar is not null then x.resets_at
        else coalesce(
            -- the row that has to leave the window
            (select g.at + w.period + k.guard from queue.permit_grant g
             where g.key = p_key and g.at > x.since
                and case w.dimension
                    when 'requests' then last.cum_requests - g.cum_requests
                    when 'tokens' then last.cum_tokens - g.cum_tokens
                    else last.cum_micros - g.cum_micros end + u.n + held.n + want.n <= x.amount
             order by g.at limit 1),
            greatest(u.at, p_at) + w.period + k.guard)
        end as at
    ) y
    -- once a lower override ends, the window has more capacity than the ledger shows now
    cross join lateral (select case when w.override_until > p_at and w.override_amount < w.amount then w.override_until end as at) ends
    where k.id = p_key
$$;

-- The time at which a key, without its parent, can next serve a call of this size, not before `p_at`.
-- `soonest`: the time if the calls in flight ended now.
create or replace function queue.key_permit(
    p_key integer, p_at timestamptz, p_requests bigint, p_tokens bigint, p_micros bigint, p_urgent boolean default true,
    p_own bigint default 0, p_own_tokens bigint default 0, p_own_micros bigint default 0)
returns table (at timestamptz, soonest timestamptz)
language sql stable as $$
    select greatest(x.at, w.at, case when f.probing or f.full then 'infinity'::timestamptz end), greatest(x.at, w.soonest)
    from queue.call_mark mark cross join queue.limit_key k
    cross join lateral (select k.id || array(select c.id from queue.limit_key c where c.parent = k.id) as ids) m
    cross join lateral (select greatest(p_at, k.parked_until, k.open_until) as at) x
    cross join lateral (select
        k.open_until <= p_at and (select true from queue.running r where r.key = k.id and r.added_in >= mark.running and r.probe limit 1) as probing,
        k.in_flight is not null and (
            select (select count(*) from queue.running r where k.in_flight is not null and r.key = any (m.ids) and r.added_in >= mark.running)
                + (select count(*) from queue.settlement s where k.in_flight is not null and s.key = any (m.ids) and s.added_in >= mark.settlement and s.at > p_at)
            ) - p_own + 1 > k.in_flight as "full"
    ) f
    cross join lateral (
        select max(v.at) as at, max(v.soonest) as soonest
        from queue.window_permits(p_key, p_at, p_requests, p_tokens, p_micros, p_urgent, p_own, p_own_tokens, p_own_micros) v
    ) w
    where k.id = p_key
$$;

-- The time at which a key and its parent can next serve a call of this size. `p_requests`, `p_tokens` and
-- `p_micros` include the permits that the caller is about to grant.
create or replace function queue.permit_times(
    p_key integer, p_at timestamptz, p_requests bigint, p_tokens bigint, p_micros bigint, p_urgent boolean default true,
    p_own bigint default 0, p_own_tokens bigint default 0, p_own_micros bigint default 0)
returns table (at timestamptz, soonest timestamptz)
language plpgsql stable as $$
#variable_conflict use_column
begin
    return query
    select greatest(own.at, up.at), greatest(own.soonest, up.soonest)
    from queue.limit_key k
    cross join lateral queue.key_permit(k.id, p_at, p_requests, p_tokens, p_micros, p_urgent, p_own, p_own_tokens, p_own_micros) own
    left join lateral queue.key_permit(k.parent, p_at, p_requests, p_tokens, p_micros, p_urgent, p_own, p_own_tokens, p_own_micros) up
        on k.parent is not null
    where k.id = p_key;
end $$;

create or replace function queue.next_permit(
    p_key integer, p_at timestamptz, p_requests bigint default 1, p_tokens bigint default 0, p_micros bigint default 0,
    p_urgent boolean default true, p_own bigint default 0, p_own_tokens bigint default 0, p_own_micros bigint default 0)
returns timestamptz
language sql stable as $$
    select x.at from queue.permit_times(p_key, p_at, p_requests, p_tokens, p_micros, p_urgent, p_own, p_own_tokens, p_own_micros) x
$$;

-- The time at which each key of a lane would serve the job at its head. A key serves only if each key before
-- it stays full for longer than its `fallback_after`; infinity: not with the present calls in flight.
create or replace function queue.lane_times(p_lane integer, p_at timestamptz)
returns table ("position" smallint, key integer, at timestamptz)
language sql stable as $$
    select x.position, x.key, case when coalesce(bool_and(x.passed) over (
        order by x.position rows between unbounded preceding and 1 preceding), true) then x.at else 'infinity' end
    from (
        select lk.position, lk.key, n.at, lk.fallback_after is not null and n.soonest > p_at + lk.fallback_after as passed
        from queue.lane_key lk
        cross join lateral (select r.priority from queue.ready r where r.lane = lk.lane order by r.priority, r.id limit 1) head
        join queue.limit_key k on k.id = lk.key
        cross join lateral queue.permit_times(lk.key, p_at, lk.requests, lk.tokens, lk.micros, head.priority <= k.urgent or k.share = 0) n
        where lk.lane = p_lane
    ) x
$$;

-- True if a key of the lane can serve the job at its head now, or if the lane has no keys.
create or replace function queue.lane_open(p_lane integer) returns boolean
language sql stable as $$
    select not exists (select from queue.lane_key lk where lk.lane = p_lane)
        or exists (select from queue.lane_times(p_lane, clock_timestamp()) x where x.at <= clock_timestamp())
$$;
