-- A limit key names one quota as its provider counts it. Claims hold the row while they grant.
create table queue.limit_key (
    id           integer     generated always as identity primary key,
    name         text        not null unique check (length(name) between 1 and 120),
    counts       text        not null check (counts in (
        'start',  -- a call counts from its grant, for the period and the guard
        'finish'  -- a call counts while it is in flight, and for the period after its end
    )),
    guard        interval    not null default '0',  -- added to each period of a key that counts from the start
    in_flight    integer     check (in_flight > 0),  -- most calls in flight
    parked_until timestamptz,
    parked_why   text,
    created_at   timestamptz not null default clock_timestamp()
);

-- At most `amount` in any `period`.
create table queue.limit_window (
    key       integer  not null references queue.limit_key on delete cascade,
    no        smallint not null,
    dimension text     not null check (dimension in ('requests')),
    amount    bigint   not null check (amount > 0),
    period    interval not null check (extract(day from period) = 0 and extract(month from period) = 0 and period > '0'),  -- hours, never days: a day is 23 or 25 of them when clocks change

    primary key (key, no)
);

-- The keys that may serve a lane, best first.
create table queue.lane_key (
    lane     integer  not null references queue.lane on delete cascade,
    position smallint not null,
    key      integer  not null references queue.limit_key,
    wait     interval,  -- the longest wait this key is worth before the next one serves; null: any

    primary key (lane, position)
);

create index lane_key_key on queue.lane_key (key);

-- The ledger. A row adds to its key's running totals, so what a window holds is the difference of
-- two totals: exact for every window, whatever its length. `at` and the totals rise together.
create table queue.permit_grant (
    key          integer     not null,
    at           timestamptz not null,
    kind         text        not null check (kind in (
        'grant',       -- a claim or an exchange took permits
        'settlement',  -- a call of a key that counts from the finish has ended
        'external'     -- the provider says that this much was used
    )),
    requests     integer     not null check (requests >= 0),
    cum_requests bigint      not null,

    primary key (key, at)
);

-- An ended call that no claim has folded into the ledger yet. Written without holding the key.
create table queue.settlement (
    id       bigint      generated always as identity primary key,
    key      integer     not null,
    at       timestamptz not null default clock_timestamp(),
    requests integer     not null check (requests > 0)
);

create index settlement_key on queue.settlement (key);

-- Moves ended calls into the ledger. The caller holds the keys.
create function queue.fold_settlements(p_keys integer[]) returns void
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

-- How many requests each key could serve at `p_at`, by its windows alone and by its longest, and
-- the end of its ledger. Ledger, unfolded settlements and calls in flight are read by one
-- statement, so that no call is between them.
create function queue.room_v1(p_keys integer[], p_at timestamptz)
returns table (key integer, requests bigint, windows bigint, longest bigint, flying bigint, last_at timestamptz, cum_requests bigint)
language sql stable as $$
    select k.id,
        least(coalesce(min(w.amount - w.used), 1000000), coalesce(k.in_flight, 1000000) - f.n),
        coalesce(min(w.amount - w.used), 1000000),
        coalesce((array_agg(w.amount - w.used order by w.period desc))[1], 1000000),
        f.n, last.at, coalesce(last.cum_requests, 0)
    from queue.limit_key k
    cross join lateral (select count(*) as n from queue.running r where r.key = k.id) f
    left join lateral (
        select g.at, g.cum_requests from queue.permit_grant g where g.key = k.id order by g.at desc limit 1
    ) last on true
    left join lateral (
        select w.amount, w.period,
            coalesce(last.cum_requests - base.before, 0) + u.n
                + case k.counts when 'finish' then f.n else 0 end as used
        from queue.limit_window w
        cross join lateral (  -- what the next fold will put into the window, at its time or right after the last row
            select coalesce(sum(s.requests), 0) as n from queue.settlement s
            where s.key = k.id and greatest(s.at, last.at) > p_at - w.period - k.guard
        ) u
        left join lateral (  -- the first row inside: what stood before it is the base, so pruned rows are not missed
            select g.cum_requests - g.requests as before
            from queue.permit_grant g
            where g.key = k.id and g.at > greatest(p_at, last.at) - w.period - k.guard
            order by g.at limit 1
        ) base on true
        where w.key = k.id
    ) w on true
    where k.id = any (p_keys)
    group by k.id, k.in_flight, f.n, last.at, last.cum_requests
$$;

-- When a key can next serve a request, not before `p_at`; infinity: once a call in flight has
-- ended. What is being granted right now is told by `p_more`, and by `p_own` how many of the calls
-- in flight are the asker's own.
create function queue.next_permit_v1(p_key integer, p_at timestamptz, p_more bigint default 0, p_own bigint default 0)
returns timestamptz
language sql stable as $$
    select greatest(p_at, k.parked_until,
        case when k.in_flight is not null and f.n - p_own + p_more + 1 > k.in_flight then 'infinity'::timestamptz end,
        max(x.at))
    from queue.limit_key k
    cross join lateral (select count(*) as n from queue.running r where r.key = k.id) f
    cross join lateral (select coalesce(sum(s.requests), 0) as n, min(s.at) as at from queue.settlement s where s.key = k.id) u
    left join lateral (
        select g.at, g.cum_requests from queue.permit_grant g where g.key = k.id order by g.at desc limit 1
    ) last on true
    left join lateral (
        select case
            when k.counts = 'finish' and held.n + 1 > w.amount then 'infinity'::timestamptz  -- a call in flight has to end first
            when coalesce(last.cum_requests - base.before, 0) + u.n + held.n + 1 <= w.amount then p_at
            else coalesce(
                -- the row that has to leave the window
                (select g.at + w.period + k.guard from queue.permit_grant g
                 where g.key = k.id and g.at > greatest(p_at, last.at) - w.period - k.guard
                   and last.cum_requests - g.cum_requests + u.n + held.n + 1 <= w.amount
                 order by g.at limit 1),
                coalesce(u.at, p_at) + w.period + k.guard)
            end as at
        from queue.limit_window w
        cross join lateral (select case k.counts when 'finish' then f.n - p_own else 0 end + p_more as n) held
        left join lateral (
            select g.cum_requests - g.requests as before
            from queue.permit_grant g
            where g.key = k.id and g.at > greatest(p_at, last.at) - w.period - k.guard
            order by g.at limit 1
        ) base on true
        where w.key = k.id
    ) x on true
    where k.id = p_key
    group by k.id, k.parked_until, k.in_flight, f.n
$$;

-- Whether any key of the lane can serve a call now; true for a lane without keys.
create function queue.lane_open(p_lane integer) returns boolean
language sql stable as $$
    select not exists (select from queue.lane_key lk where lk.lane = p_lane)
        or exists (
            select from queue.lane_key lk
            where lk.lane = p_lane and queue.next_permit_v1(lk.key, clock_timestamp()) <= clock_timestamp())
$$;

-- Stops a key; a longer park wins. Returns until when it is parked, null for an unknown key.
create function queue.park_v1(p_key text, p_for interval, p_why text) returns timestamptz
language sql as $$
    update queue.limit_key k
    set parked_why = case when x.until > coalesce(k.parked_until, '-infinity') then left(p_why, 500) else k.parked_why end,
        parked_until = greatest(k.parked_until, x.until)
    from (select clock_timestamp() + p_for as until) x
    where k.name = p_key
    returning k.parked_until
$$;

-- Tells every queue with a lane of this key.
create function queue.wake_key(p_key integer) returns void
language sql as $$
    select queue.wake(array(
        select distinct l.queue from queue.lane_key lk join queue.lane l on l.id = lk.lane where lk.key = p_key))
$$;
