-- Every job with its state: what people, the monitor and ad-hoc SQL read.
create view queue.job as
select r.id, case when o.open then 'available' else 'parked' end as state, r.kind, l.queue, l.name as lane, r.priority,
    r.attempt, r.max_attempts, coalesce(r.args, (select p.args from queue.payload p where p.job = r.id)) as args,
    r.unique_key, r.tags, r.parent, r.trace, r.created_at, null::timestamptz as due_at, null::timestamptz as claimed_at,
    null::timestamptz as finished_at, null::uuid as process, r.error, false as cancelling, null::text[] as log, r.available_at
from queue.lane l
cross join lateral (select queue.lane_open(l.id) as open offset 0) o
join generate_series(0, 9) pr on true  -- with the lane it makes a job's number a probe of the claim's index
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
from queue.failed f join queue.lane l on l.id = f.lane;

-- Whether a job fits the conditions of a list; a condition that is null always holds.
create function queue.fits(
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

-- The newest jobs with numbers in [p_floor, p_before) that fit. Each table yields its newest by an
-- index, so a page costs the same however many jobs there are; the settings hold the planner to
-- that, whatever the statistics say.
create function queue.page_v1(
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
    ) x
    order by 1 desc limit p_limit;
end $$;
