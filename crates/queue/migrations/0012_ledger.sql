-- Tokens and money beside requests, calendars, parents, a share for urgent jobs, and a breaker.

alter table queue.queue
    add cap integer check (cap >= 0);  -- most attempts running on all processes together; null: any

alter table queue.limit_key
    add parent       integer  references queue.limit_key check (parent <> id),  -- a call needs room here and there
    add share        float8   not null default 0 check (share >= 0 and share < 1),  -- of each window, kept for urgent jobs
    add urgent       smallint not null default 0 check (urgent between 0 and 9),  -- the last priority that is urgent
    add call_timeout interval not null default '1 minute',  -- the longest that a call which was let go can still be under way
    -- the breaker
    add trip_after   smallint check (trip_after > 0),  -- faults in a row that open it; null: it opens by hand only
    add cooldown     interval not null default '30 seconds',  -- doubles each time the probe fails
    add cooldown_max interval not null default '15 minutes',
    add faults       integer  not null default 0,  -- in a row, up to the last fold
    add opened       smallint not null default 0,  -- times in a row
    add open_until   timestamptz;  -- null: closed; past: half open, one call at a time is let through

create index limit_key_parent on queue.limit_key (parent) where parent is not null;

alter table queue.limit_window
    drop constraint limit_window_dimension_check,
    add constraint limit_window_dimension_check check (dimension in (
        'requests', 'tokens',
        'money'  -- in millionths of a US dollar
    )),
    alter period drop not null,
    add calendar        text check (calendar in ('minute', 'hour', 'day', 'month')),
    add zone            text,  -- whose calendar
    add override_amount bigint check (override_amount >= 0),
    add override_until  timestamptz,
    add constraint limit_window_span check (num_nonnulls(period, calendar) = 1 and (calendar is null) = (zone is null)),
    add constraint limit_window_override check ((override_amount is null) = (override_until is null));

alter table queue.lane_key
    add tokens bigint not null default 0 check (tokens >= 0),  -- what a call reserves: an upper bound
    add micros bigint not null default 0 check (micros >= 0);

alter table queue.permit_grant
    add tokens     bigint not null default 0 check (tokens >= 0),
    add micros     bigint not null default 0 check (micros >= 0),
    add cum_tokens bigint not null default 0,
    add cum_micros bigint not null default 0;

create index permit_grant_external on queue.permit_grant (key, at) where kind = 'external';

-- What a call really used. One that may still be under way, because its process died, is dated to
-- when it no longer can be; until then it counts and is not folded.
alter table queue.settlement
    drop constraint settlement_requests_check,
    add constraint settlement_requests_check check (requests >= 0),
    add tokens  bigint  not null default 0 check (tokens >= 0),
    add micros  bigint  not null default 0 check (micros >= 0),
    add verdict text    check (verdict in ('ok', 'fault')),  -- what the breaker hears; null: no call was made, or nobody knows
    add probe   boolean not null default false;

alter table queue.running
    add tokens bigint  not null default 0,  -- reserved until the attempt ends
    add micros bigint  not null default 0,
    add probe  boolean not null default false;  -- the one call that a half-open breaker lets through

-- What a claim calls is plpgsql where it could be plain SQL: that plans once a connection, not at
-- every call.

-- A key with those that share its parent, and the parent: whoever grants holds them all.
create function queue.family(p_keys integer[]) returns integer[]
language plpgsql stable as $$
begin
    return (
    select array(
        select f.id from queue.limit_key f
        where f.id = any (p_keys)
            or f.id in (select k.parent from queue.limit_key k where k.id = any (p_keys))
            or f.parent in (select k.parent from queue.limit_key k where k.id = any (p_keys))
            or f.parent = any (p_keys)
        order by f.id)
    );
end $$;

-- Each window of these keys with what it allows and what it holds at `p_at`. What it holds: the
-- ledger's rows since it began, ended calls that nobody has folded yet, what calls in flight reserve,
-- and the calls in flight themselves where they count until they end. One statement reads all of
-- them, so that no call is between them.
create function queue.windows_v1(p_keys integer[], p_at timestamptz)
returns table (key integer, no smallint, dimension text, amount bigint, used bigint, held bigint, since timestamptz, resets_at timestamptz)
language sql stable as $$
    select k.id, w.no, w.dimension, a.amount,
        (p.posted + u.n + h.n)::bigint, h.n::bigint, o.since,
        case when w.calendar is not null then (date_trunc(w.calendar, p_at at time zone w.zone) + ('1 ' || w.calendar)::interval) at time zone w.zone end
    from queue.limit_key k
    cross join lateral (select array(select c.id from queue.limit_key c where c.id = k.id or c.parent = k.id) as ids offset 0) m
    left join lateral (
        select g.at, g.cum_requests, g.cum_tokens, g.cum_micros
        from queue.permit_grant g where g.key = k.id order by g.at desc limit 1
    ) last on true
    join queue.limit_window w on w.key = k.id
    cross join lateral (select case when w.override_until > p_at then w.override_amount else w.amount end as amount) a
    cross join lateral (select case
        when w.period is not null then greatest(p_at, last.at) - w.period - k.guard
        else date_trunc(w.calendar, greatest(p_at, last.at), w.zone) - k.guard - interval '1 microsecond' end as since) o
    cross join lateral (
        select coalesce(sum(case w.dimension when 'requests' then 1 when 'tokens' then r.tokens else r.micros end), 0) as n
        from queue.running r
        -- nothing is read where calls in flight do not count
        where (k.counts = 'finish' or w.dimension <> 'requests') and r.key = any (m.ids)
    ) h
    cross join lateral (  -- at its time or right after the last row: where the next fold will put it
        select coalesce(sum(case w.dimension when 'requests' then s.requests when 'tokens' then s.tokens else s.micros end), 0) as n
        from queue.settlement s
        where s.key = any (m.ids) and greatest(s.at, last.at) > o.since
    ) u
    left join lateral (  -- the first row inside: what stood before it is the base, so pruned rows are not missed
        select case w.dimension
            when 'requests' then g.cum_requests - g.requests
            when 'tokens' then g.cum_tokens - g.tokens
            else g.cum_micros - g.micros end as before
        from queue.permit_grant g
        where g.key = k.id and g.at > o.since
        order by g.at limit 1
    ) base on true
    cross join lateral (select coalesce(case w.dimension
        when 'requests' then last.cum_requests
        when 'tokens' then last.cum_tokens
        else last.cum_micros end - base.before, 0) as posted) p
    where k.id = any (p_keys)
$$;

-- How much each key could serve at `p_at` by its own windows, and the end of its ledger. `common` is
-- what is left for jobs that are not urgent; `flying` is known for keys with a cap in flight. A key that is parked or whose breaker is open serves
-- nothing, a half-open one a single call.
create function queue.room_v2(p_keys integer[], p_at timestamptz)
returns table (
    key integer, parent integer, requests bigint, tokens bigint, micros bigint,
    common_requests bigint, common_tokens bigint, common_micros bigint, urgent smallint,
    windows bigint, flying bigint, half_open boolean,
    last_at timestamptz, cum_requests bigint, cum_tokens bigint, cum_micros bigint)
language plpgsql stable as $$
#variable_conflict use_column
begin
    return query
    select k.id, k.parent,
        least(w.requests, c.free, o.free), w.tokens, w.micros,
        least(w.common_requests, c.free, o.free), w.common_tokens, w.common_micros, k.urgent,
        w.requests, f.n, k.open_until is not null,
        last.at, coalesce(last.cum_requests, 0), coalesce(last.cum_tokens, 0), coalesce(last.cum_micros, 0)
    from queue.limit_key k
    cross join lateral (select array(select c.id from queue.limit_key c where c.id = k.id or c.parent = k.id) as ids offset 0) m
    cross join lateral (
        select (select count(*) from queue.running r where k.in_flight is not null and r.key = any (m.ids))
            + (select count(*) from queue.settlement s where k.in_flight is not null and s.key = any (m.ids) and s.at > p_at) as n
    ) f
    cross join lateral (select coalesce(k.in_flight - f.n, 1000000) as free) c
    cross join lateral (select case
        when k.parked_until > p_at or k.open_until > p_at then 0
        when k.open_until is null then 1000000
        when (select true from queue.running r where r.key = k.id and r.probe limit 1) then 0
        else 1 end as free) o
    left join lateral (
        select g.at, g.cum_requests, g.cum_tokens, g.cum_micros
        from queue.permit_grant g where g.key = k.id order by g.at desc limit 1
    ) last on true
    cross join lateral (
        select coalesce(min(x.amount - x.used) filter (where x.dimension = 'requests'), 1000000) as requests,
            coalesce(min(x.amount - x.used) filter (where x.dimension = 'tokens'), 1000000000000000) as tokens,
            coalesce(min(x.amount - x.used) filter (where x.dimension = 'money'), 1000000000000000) as micros,
            coalesce(min(floor(x.amount * (1 - k.share))::bigint - x.used) filter (where x.dimension = 'requests'), 1000000) as common_requests,
            coalesce(min(floor(x.amount * (1 - k.share))::bigint - x.used) filter (where x.dimension = 'tokens'), 1000000000000000) as common_tokens,
            coalesce(min(floor(x.amount * (1 - k.share))::bigint - x.used) filter (where x.dimension = 'money'), 1000000000000000) as common_micros
        from queue.windows_v1(array[k.id], p_at) x
    ) w
    where k.id = any (p_keys);
end $$;

-- When each window of a key can next serve this much, not before `p_at`; infinity: once calls in
-- flight have ended, and `soonest` is when that is if they end now. `p_own`, `p_own_tokens` and `p_own_micros` are the asker's own among what is in
-- flight.
create function queue.window_permits_v1(
    p_key integer, p_at timestamptz, p_requests bigint, p_tokens bigint, p_micros bigint, p_urgent boolean default true,
    p_own bigint default 0, p_own_tokens bigint default 0, p_own_micros bigint default 0)
returns table (no smallint, at timestamptz, soonest timestamptz)
language sql stable as $$
    select x.no, least(case when held.n + want.n > x.amount and want.flies and y.at > p_at then 'infinity' else y.at end, ends.at), least(y.at, ends.at)
    from queue.limit_key k
    cross join lateral (select array(select c.id from queue.limit_key c where c.id = k.id or c.parent = k.id) as ids offset 0) m
    left join lateral (
        select g.cum_requests, g.cum_tokens, g.cum_micros
        from queue.permit_grant g where g.key = k.id order by g.at desc limit 1
    ) last on true
    cross join lateral (
        select v.no, v.dimension, case when p_urgent then v.amount else floor(v.amount * (1 - k.share))::bigint end as amount,
            v.used, v.held, v.since, v.resets_at
        from queue.windows_v1(array[p_key], p_at) v
    ) x
    join queue.limit_window w on w.key = k.id and w.no = x.no
    cross join lateral (select
        case w.dimension when 'requests' then p_requests when 'tokens' then p_tokens else p_micros end as n,
        w.dimension <> 'requests' or k.counts = 'finish' as flies  -- it counts until it ends
    ) want
    cross join lateral (select case w.dimension
        when 'tokens' then p_own_tokens
        when 'money' then p_own_micros
        else case k.counts when 'finish' then p_own else 0 end end as n) own
    cross join lateral (select x.held - own.n as n) held
    cross join lateral (
        select coalesce(sum(case w.dimension when 'requests' then s.requests when 'tokens' then s.tokens else s.micros end), 0) as n,
            min(s.at) as at
        from queue.settlement s where s.key = any (m.ids)
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
    -- when a lower amount is over, there is more room than the ledger tells now
    cross join lateral (select case when w.override_until > p_at and w.override_amount < w.amount then w.override_until end as at) ends
    where k.id = p_key
$$;

-- When a key can next serve a call of this size by itself, not before `p_at`. `soonest`: should the
-- calls in flight end now.
create function queue.key_permit_v1(
    p_key integer, p_at timestamptz, p_requests bigint, p_tokens bigint, p_micros bigint, p_urgent boolean default true,
    p_own bigint default 0, p_own_tokens bigint default 0, p_own_micros bigint default 0)
returns table (at timestamptz, soonest timestamptz)
language sql stable as $$
    select greatest(x.at, w.at, case when f.probing or f.full then 'infinity'::timestamptz end), greatest(x.at, w.soonest)
    from queue.limit_key k
    cross join lateral (select array(select c.id from queue.limit_key c where c.id = k.id or c.parent = k.id) as ids) m
    cross join lateral (select greatest(p_at, k.parked_until, k.open_until) as at) x
    cross join lateral (select
        k.open_until <= p_at and (select true from queue.running r where r.key = k.id and r.probe limit 1) as probing,
        k.in_flight is not null and (
            select (select count(*) from queue.running r where k.in_flight is not null and r.key = any (m.ids))
                + (select count(*) from queue.settlement s where k.in_flight is not null and s.key = any (m.ids) and s.at > p_at)
            ) - p_own + p_requests > k.in_flight as "full"
    ) f
    cross join lateral (
        select max(v.at) as at, max(v.soonest) as soonest
        from queue.window_permits_v1(p_key, p_at, p_requests, p_tokens, p_micros, p_urgent, p_own, p_own_tokens, p_own_micros) v
    ) w
    where k.id = p_key
$$;

-- When a key and its parent can next serve a call of this size. `p_requests`, `p_tokens` and
-- `p_micros` include what is being granted right now.
create function queue.permit_times_v1(
    p_key integer, p_at timestamptz, p_requests bigint, p_tokens bigint, p_micros bigint, p_urgent boolean default true,
    p_own bigint default 0, p_own_tokens bigint default 0, p_own_micros bigint default 0)
returns table (at timestamptz, soonest timestamptz)
language plpgsql stable as $$
#variable_conflict use_column
begin
    return query
    select greatest(own.at, up.at), greatest(own.soonest, up.soonest)
    from queue.limit_key k
    cross join lateral queue.key_permit_v1(k.id, p_at, p_requests, p_tokens, p_micros, p_urgent, p_own, p_own_tokens, p_own_micros) own
    left join lateral queue.key_permit_v1(k.parent, p_at, p_requests, p_tokens, p_micros, p_urgent, p_own, p_own_tokens, p_own_micros) up
        on k.parent is not null
    where k.id = p_key;
end $$;

create function queue.next_permit_v2(
    p_key integer, p_at timestamptz, p_requests bigint default 1, p_tokens bigint default 0, p_micros bigint default 0,
    p_urgent boolean default true, p_own bigint default 0, p_own_tokens bigint default 0, p_own_micros bigint default 0)
returns timestamptz
language sql stable as $$
    select x.at from queue.permit_times_v1(p_key, p_at, p_requests, p_tokens, p_micros, p_urgent, p_own, p_own_tokens, p_own_micros) x
$$;

-- When each key of a lane would serve the job at its head. A key comes after those before it: it
-- serves only while each of them is further off than it is worth waiting; infinity: not as things are.
create function queue.lane_times_v1(p_lane integer, p_at timestamptz)
returns table ("position" smallint, key integer, at timestamptz)
language sql stable as $$
    select x.position, x.key, case when coalesce(bool_and(x.passed) over (
        order by x.position rows between unbounded preceding and 1 preceding), true) then x.at else 'infinity' end
    from (
        select lk.position, lk.key, n.at, lk.wait is not null and n.soonest > p_at + lk.wait as passed
        from queue.lane_key lk
        cross join lateral (select r.priority from queue.ready r where r.lane = lk.lane order by r.priority, r.id limit 1) head
        join queue.limit_key k on k.id = lk.key
        cross join lateral queue.permit_times_v1(lk.key, p_at, 1, lk.tokens, lk.micros, head.priority <= k.urgent or k.share = 0) n
        where lk.lane = p_lane
    ) x
$$;

-- Whether any key of the lane can serve the job at its head now; true for a lane without keys.
create or replace function queue.lane_open(p_lane integer) returns boolean
language sql stable as $$
    select not exists (select from queue.lane_key lk where lk.lane = p_lane)
        or exists (select from queue.lane_times_v1(p_lane, clock_timestamp()) x where x.at <= clock_timestamp())
$$;

-- Moves ended calls into the ledgers of their key and its parent, and tells the breaker. The caller
-- holds the family.
create function queue.fold_settlements_v2(p_keys integer[]) returns void
language plpgsql as $$
declare
    t timestamptz := clock_timestamp();
begin
    with taken as (
        delete from queue.settlement s
        where s.id = any (array(select x.id from queue.settlement x where x.key = any (p_keys) and x.at <= t))
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
            -- Times rise by at least a microsecond, also where several calls ended in one.
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
            count(*) filter (where x.verdict = 'fault' and x.at > coalesce(
                (select max(y.at) from taken y where y.key = x.key and y.verdict = 'ok'), '-infinity')) as faults,
            (array_agg(x.verdict order by x.id desc) filter (where x.probe))[1] as probe
        from taken x where x.verdict is not null
        group by x.key
    ), judged as (
        select k.id, k.open_until is null as closed, h.probe, k.opened,
            case when h.ok then 0 else k.faults end + h.faults as faults
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

-- Counts what somebody else used of a quota, or what the provider says was used. Returns whether
-- there is such a key.
create function queue.count_elsewhere_v1(p_key text, p_requests bigint, p_tokens bigint, p_micros bigint) returns boolean
language plpgsql as $$
declare
    keys integer[];
    t timestamptz;
begin
    keys := queue.family(array(select k.id from queue.limit_key k where k.name = p_key));
    perform from queue.limit_key k where k.id = any (keys) order by k.id for no key update;
    if not found then
        return false;
    end if;
    t := clock_timestamp();
    perform queue.fold_settlements_v2(keys);
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
