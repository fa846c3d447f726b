-- Every job with its state, for people, the monitor and ad-hoc SQL.
create or replace view queue.job as
select r.id, case when o.open then 'available' else 'parked' end as state, r.kind, l.queue, l.name as lane, r.priority,
    r.attempt, r.max_attempts, coalesce(r.args, (select p.args from queue.payload p where p.job = r.id)) as args,
    r.unique_key, r.tags, r.parent, r.trace, r.created_at, null::timestamptz as due_at, null::timestamptz as claimed_at,
    null::timestamptz as finished_at, null::uuid as process, r.error, false as cancelling, null::text[] as log, r.available_at
from queue.lane l
cross join lateral (select queue.lane_open(l.id) as open offset 0) o
join generate_series(0, 9) pr on true  -- lane and priority make a lookup by number a probe of the claim's index
join queue.ready r on r.lane = l.id and r.priority = pr
union all
select s.id, case when s.retry then 'retryable' else 'scheduled' end, s.kind, l.queue, l.name, s.priority,
    s.attempt, s.max_attempts, coalesce(s.args, (select p.args from queue.payload p where p.job = s.id)),
    s.unique_key, s.tags, s.parent, s.trace, s.created_at, s.due_at, null, null, null, s.error, false, null, null
from queue.scheduled s join queue.lane l on l.id = s.lane
union all
select r.id, 'running', r.kind, l.queue, l.name, r.priority,
    r.attempt, r.max_attempts, coalesce(r.args, (select p.args from queue.payload p where p.job = r.id)),
    r.unique_key, r.tags, r.parent, r.trace, r.created_at, null, r.claimed_at, null, r.process, null, r.cancel, null, r.available_at
from queue.running r join queue.lane l on l.id = r.lane
union all
select d.id, 'completed', d.kind, l.queue, l.name, d.priority,
    d.attempt, d.max_attempts, coalesce(d.args, (select p.args from queue.payload p where p.job = d.id)),
    d.unique_key, d.tags, d.parent, d.trace, d.created_at, null, d.claimed_at, d.finished_at, d.process, null, false, d.log, null
from queue.done d join queue.lane l on l.id = d.lane
union all
select f.id, f.state, f.kind, l.queue, l.name, f.priority,
    f.attempt, f.max_attempts, coalesce(f.args, (select p.args from queue.payload p where p.job = f.id)),
    f.unique_key, f.tags, f.parent, f.trace, f.created_at, null, null, f.finished_at, null, f.error, false, null, null
from queue.failed f join queue.lane l on l.id = f.lane
union all
select w.id, 'pending', w.kind, l.queue, l.name, w.priority,
    0::smallint, w.max_attempts, coalesce(w.args, (select p.args from queue.payload p where p.job = w.id)),
    w.unique_key, w.tags, w.parent, w.trace, w.created_at, w.due_at, null, null, null, null, false, null, null
from queue.pending w join queue.lane l on l.id = w.lane;

-- True if a job fits the conditions of a list; a null condition always holds.
create or replace function queue.fits(
    p_kind text, p_tag text, p_text text, p_from timestamptz, p_to timestamptz,
    kind text, tags text[], created_at timestamptz, args jsonb, unique_key text, error text
) returns boolean
language sql immutable as $$
    select (p_kind is null or kind = p_kind)
        and (p_tag is null or p_tag = any (tags))
        and (p_from is null or created_at >= p_from)
        and (p_to is null or created_at < p_to)
        and (p_text is null or unique_key ilike p_text or error ilike p_text or args::text ilike p_text)
$$;

-- The newest jobs with numbers in [p_floor, p_before) that fit. Each table yields its newest rows by an
-- index, so a page costs the same however many jobs there are; the settings force such a plan whatever the
-- statistics say.
create or replace function queue.page(
    p_state text, p_kind text, p_queue text, p_tag text, p_text text, p_from timestamptz, p_to timestamptz,
    p_before bigint, p_floor bigint, p_limit bigint
) returns setof queue.job
language plpgsql stable
set plan_cache_mode = force_generic_plan set enable_sort = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
    v_lanes integer[] := array(select l.id from queue.lane l where l.queue = p_queue);
begin
    return query
    select x.* from (
        (select r.id, case when o.open then 'available' else 'parked' end, r.kind, l.queue, l.name, r.priority,
            r.attempt, r.max_attempts, coalesce(r.args, (select p.args from queue.payload p where p.job = r.id)),
            r.unique_key, r.tags, r.parent, r.trace, r.created_at, null::timestamptz, null::timestamptz,
            null::timestamptz, null::uuid, r.error, false, null::text[], r.available_at
        from queue.lane l
        cross join lateral (select queue.lane_open(l.id) as open offset 0) o
        cross join generate_series(0, 9) pr
        cross join lateral (
            select * from queue.ready r
            where r.lane = l.id and r.priority = pr and r.id < p_before and r.id >= p_floor
                and queue.fits(p_kind, p_tag, p_text, p_from, p_to, r.kind, r.tags, r.created_at,
                    coalesce(r.args, (select p.args from queue.payload p where p.job = r.id)), r.unique_key, r.error)
            order by r.id desc limit p_limit
        ) r
        where coalesce(p_state in ('available', 'parked'), true)
            and (p_state is null or p_state = case when o.open then 'available' else 'parked' end)
            and (p_queue is null or l.queue = p_queue))
        union all
        (select s.id, case when s.retry then 'retryable' else 'scheduled' end, s.kind, l.queue, l.name, s.priority,
            s.attempt, s.max_attempts, coalesce(s.args, (select p.args from queue.payload p where p.job = s.id)),
            s.unique_key, s.tags, s.parent, s.trace, s.created_at, s.due_at, null, null, null, s.error, false, null, null
        from (
            select * from queue.scheduled s
            where coalesce(p_state in ('scheduled', 'retryable'), true) and s.id < p_before and s.id >= p_floor
                and (p_state is null or p_state = case when s.retry then 'retryable' else 'scheduled' end)
                and queue.fits(p_kind, p_tag, p_text, p_from, p_to, s.kind, s.tags, s.created_at,
                    coalesce(s.args, (select p.args from queue.payload p where p.job = s.id)), s.unique_key, s.error)
                and (p_queue is null or s.lane = any (v_lanes))
            order by s.id desc limit p_limit
        ) s join queue.lane l on l.id = s.lane)
        union all
        (select r.id, 'running', r.kind, l.queue, l.name, r.priority,
            r.attempt, r.max_attempts, coalesce(r.args, (select p.args from queue.payload p where p.job = r.id)),
            r.unique_key, r.tags, r.parent, r.trace, r.created_at, null, r.claimed_at, null, r.process, null, r.cancel, null, r.available_at
        from (
            select * from queue.running r
            where coalesce(p_state = 'running', true) and r.id < p_before and r.id >= p_floor
                and queue.fits(p_kind, p_tag, p_text, p_from, p_to, r.kind, r.tags, r.created_at,
                    coalesce(r.args, (select p.args from queue.payload p where p.job = r.id)), r.unique_key, null)
                and (p_queue is null or r.lane = any (v_lanes))
            order by r.id desc limit p_limit
        ) r join queue.lane l on l.id = r.lane)
        union all
        (select d.id, 'completed', d.kind, l.queue, l.name, d.priority,
            d.attempt, d.max_attempts, coalesce(d.args, (select p.args from queue.payload p where p.job = d.id)),
            d.unique_key, d.tags, d.parent, d.trace, d.created_at, null, d.claimed_at, d.finished_at, d.process, null, false, d.log, null
        from (
            select * from queue.done d
            where coalesce(p_state = 'completed', true) and d.id < p_before and d.id >= p_floor
                and queue.fits(p_kind, p_tag, p_text, p_from, p_to, d.kind, d.tags, d.created_at,
                    coalesce(d.args, (select p.args from queue.payload p where p.job = d.id)), d.unique_key, null)
                and (p_queue is null or d.lane = any (v_lanes))
            order by d.id desc limit p_limit
        ) d join queue.lane l on l.id = d.lane)
        union all
        (select f.id, f.state, f.kind, l.queue, l.name, f.priority,
            f.attempt, f.max_attempts, coalesce(f.args, (select p.args from queue.payload p where p.job = f.id)),
            f.unique_key, f.tags, f.parent, f.trace, f.created_at, null, null, f.finished_at, null, f.error, false, null, null
        from (
            select * from queue.failed f
            where coalesce(p_state in ('discarded', 'cancelled'), true) and f.id < p_before and f.id >= p_floor
                and (p_state is null or p_state = f.state)
                and queue.fits(p_kind, p_tag, p_text, p_from, p_to, f.kind, f.tags, f.created_at,
                    coalesce(f.args, (select p.args from queue.payload p where p.job = f.id)), f.unique_key, f.error)
                and (p_queue is null or f.lane = any (v_lanes))
            order by f.id desc limit p_limit
        ) f join queue.lane l on l.id = f.lane)
        union all
        (select w.id, 'pending', w.kind, l.queue, l.name, w.priority,
            0::smallint, w.max_attempts, coalesce(w.args, (select p.args from queue.payload p where p.job = w.id)),
            w.unique_key, w.tags, w.parent, w.trace, w.created_at, w.due_at, null, null, null, null, false, null, null
        from (
            select * from queue.pending w
            where coalesce(p_state = 'pending', true) and w.id < p_before and w.id >= p_floor
                and queue.fits(p_kind, p_tag, p_text, p_from, p_to, w.kind, w.tags, w.created_at,
                    coalesce(w.args, (select p.args from queue.payload p where p.job = w.id)), w.unique_key, null)
                and (p_queue is null or w.lane = any (v_lanes))
            order by w.id desc limit p_limit
        ) w join queue.lane l on l.id = w.lane)
    ) x
    order by 1 desc limit p_limit;
end $$;

-- States of jobs, read by one statement, so that no job is missed while it moves between tables. An unknown
-- number has no row.
create or replace function queue.states(p_jobs bigint[]) returns table (id bigint, kind text, state text, error text)
language sql stable set enable_seqscan = off set jit = off as $$
    with waiting as materialized (
        select r.id, r.kind, r.lane, r.error
        from queue.lane l
        cross join generate_series(0, 9) pr
        cross join lateral (
            select r.id, r.kind, r.lane, r.error from queue.ready r
            where r.lane = l.id and r.priority = pr and r.id = any (p_jobs)
        ) r
        -- a lane and priority without jobs is not searched
        where (select true from queue.ready r where r.lane = l.id and r.priority = pr limit 1)
    ), open as materialized (
        select lane, queue.lane_open(lane) as is_open from (select distinct lane from waiting) x
    )
    select w.id, w.kind, case when o.is_open then 'available' else 'parked' end, w.error from waiting w join open o on o.lane = w.lane
    union all
    select p.id, p.kind, 'pending', null from queue.pending p where p.id = any (p_jobs)
    union all
    select s.id, s.kind, case when s.retry then 'retryable' else 'scheduled' end, s.error from queue.scheduled s where s.id = any (p_jobs)
    union all
    select r.id, r.kind, 'running', null from queue.running r where r.id = any (p_jobs)
    union all
    select d.id, d.kind, 'completed', null from queue.done d where d.id = any (p_jobs)
    union all
    select f.id, f.kind, f.state, f.error from queue.failed f where f.id = any (p_jobs)
$$;

-- Jobs that the attempts of these jobs added, by the index of each table, read by one statement, so that no
-- job is missed while it moves between tables.
create or replace function queue.children(p_parents bigint[]) returns table (parent bigint, id bigint, kind text, state text, error text)
language sql stable set enable_seqscan = off set jit = off as $$
    select r.parent, r.id, r.kind, 'available', r.error from queue.ready r where r.parent = any (p_parents)
    union all
    select w.parent, w.id, w.kind, 'pending', null from queue.pending w where w.parent = any (p_parents)
    union all
    select s.parent, s.id, s.kind, case when s.retry then 'retryable' else 'scheduled' end, s.error
    from queue.scheduled s where s.parent = any (p_parents)
    union all
    select r.parent, r.id, r.kind, 'running', null from queue.running r where r.parent = any (p_parents)
    union all
    select d.parent, d.id, d.kind, 'completed', null from queue.done d where d.parent = any (p_parents)
    union all
    select f.parent, f.id, f.kind, f.state, f.error from queue.failed f where f.parent = any (p_parents)
$$;

-- Counts the jobs with numbers up to `p_upto` that fit the conditions of a list and that the command can
-- change.
create or replace function queue.count_matching(
    p_action text, p_state text, p_kind text, p_queue text, p_tag text, p_text text, p_from timestamptz, p_to timestamptz,
    p_ids bigint[], p_upto bigint
) returns bigint
language plpgsql stable
set plan_cache_mode = force_custom_plan set jit = off  -- custom plans: conditions that are null cost nothing
as $$
begin
    if p_ids is not null then
        return (
            select count(*) from queue.job j
            where j.id = any (p_ids) and j.id <= p_upto
                and queue.command_applies(p_action, j.state) and (p_state is null or j.state = p_state) and (p_queue is null or j.queue = p_queue)
                and queue.fits(p_kind, p_tag, p_text, p_from, p_to, j.kind, j.tags, j.created_at, j.args, j.unique_key, j.error));
    end if;
    return (
        select count(*) from queue.job j
        where j.id <= p_upto
            and queue.command_applies(p_action, j.state) and (p_state is null or j.state = p_state) and (p_queue is null or j.queue = p_queue)
            and queue.fits(p_kind, p_tag, p_text, p_from, p_to, j.kind, j.tags, j.created_at, j.args, j.unique_key, j.error));
end $$;

-- The jobs that fit and that the command can change, with numbers in (p_after, p_upto], lowest first.
create or replace function queue.list_matching(
    p_action text, p_state text, p_kind text, p_queue text, p_tag text, p_text text, p_from timestamptz, p_to timestamptz,
    p_ids bigint[], p_after bigint, p_upto bigint
) returns setof bigint
language plpgsql stable
set plan_cache_mode = force_custom_plan set jit = off set enable_seqscan = off
as $$
begin
    if p_ids is not null then
        return query
        select j.id from queue.job j
        where j.id = any (p_ids) and j.id > p_after and j.id <= p_upto
            and queue.command_applies(p_action, j.state) and (p_state is null or j.state = p_state) and (p_queue is null or j.queue = p_queue)
            and queue.fits(p_kind, p_tag, p_text, p_from, p_to, j.kind, j.tags, j.created_at, j.args, j.unique_key, j.error)
        order by 1;
        return;
    end if;
    return query
    select j.id from queue.job j
    where j.id > p_after and j.id <= p_upto
        and queue.command_applies(p_action, j.state) and (p_state is null or j.state = p_state) and (p_queue is null or j.queue = p_queue)
        and queue.fits(p_kind, p_tag, p_text, p_from, p_to, j.kind, j.tags, j.created_at, j.args, j.unique_key, j.error)
    order by 1;
end $$;

-- Since when the job that has waited longest in a lane could have been claimed; null: no job waits there.
-- Reads the first thousand jobs of each priority: released jobs have lower numbers than the others and a
-- later time, so that the first row alone is not the oldest.
create or replace function queue.waiting_since(p_lane integer) returns timestamptz
language sql stable as $$
    select min(x.available_at)
    from generate_series(0, 9) p
    cross join lateral (
        select r.available_at from queue.ready r where r.lane = p_lane and r.priority = p order by r.id limit 1000
    ) x
$$;

-- Upper bound of the jobs of a queue that workers could be running now: running jobs, and waiting jobs that
-- could be claimed. Jobs of a paused queue, and of a lane that no key can serve, do not count; a limited lane
-- counts up to the capacity of its keys, and a queue with a cap up to its cap: more workers would only wait.
-- Lanes that share a key count its capacity once each.
--
-- For an autoscaler, which asks every few seconds with a role that can see no table: it reads a thousand jobs
-- of a lane at most, and runs as its owner. Every role that may connect may call it and learns only a number.
create or replace function queue.runnable(p_queue text) returns bigint
language sql stable security definer set search_path = pg_catalog, pg_temp set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
    select least(busy.n + waiting.n, coalesce(q.cap, busy.n + waiting.n))
    from (select true) one
    left join queue.queue q on q.name = p_queue
    cross join lateral (
        select count(*) as n from queue.running r
        where r.lane = any (array(select l.id from queue.lane l where l.queue = p_queue))
    ) busy
    cross join lateral (
        select coalesce(sum(ready.n), 0)::bigint as n
        from queue.lane l
        cross join lateral (select array(select lk.key from queue.lane_key lk where lk.lane = l.id) as ids offset 0) keys
        cross join lateral (select queue.lane_open(l.id) as open offset 0) o
        cross join lateral (
            select case
                when q.paused or not o.open then 0
                when cardinality(keys.ids) = 0 then 1000
                -- an open lane serves at least one call, possibly from the urgent reserve
                else greatest(1, least(1000, (
                    select sum(least(
                        k.calls, k.requests / lk.requests, k.tokens / greatest(lk.tokens, 1), k.micros / greatest(lk.micros, 1),
                        p.calls, p.requests / lk.requests, p.tokens / greatest(lk.tokens, 1), p.micros / greatest(lk.micros, 1)))
                    from queue.lane_key lk
                    join queue.capacity(queue.with_parents(keys.ids), clock_timestamp()) k on k.key = lk.key
                    left join queue.capacity(queue.with_parents(keys.ids), clock_timestamp()) p on p.key = k.parent
                    where lk.lane = l.id)))
                end as n offset 0
        ) room
        cross join lateral (
            select count(*) as n from (
                select from queue.ready r where r.lane = l.id order by r.priority, r.id limit room.n
            ) x
        ) ready
        where l.queue = p_queue
    ) waiting
$$;

grant usage on schema queue to public;
