alter function queue.runnable reset jit;
alter function queue.permit_v2 reset jit;
alter function queue.next_v2 reset jit;
alter function queue.claim_v2 reset jit;
-- Moves scheduled jobs whose time has come to where they can be claimed.
create or replace function queue.promote_v1(p_limit integer default 1000) returns integer
language plpgsql set enable_seqscan = off as $$
declare
    t timestamptz := clock_timestamp();  -- a volatile bound would be compared with every row
    moved integer;
begin
    with due as (
        delete from queue.scheduled s
        where s.id = any (array(
            select id from queue.scheduled where due_at <= t
            order by due_at limit p_limit for update skip locked))
        returning s.*
    ), ready as (
        insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, available_at, error)
        select id, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, due_at, error from due
    ), counted as (
        insert into queue.delta (lane, kind, was, became, n)
        select lane, kind, case when retry then 'retryable' else 'scheduled' end, 'available', count(*) from due group by 1, 2, 3
    ), woken as (
        select queue.wake(array(select distinct l.queue from due d join queue.lane l on l.id = d.lane))
        from (select from due limit 1) x
    )
    select count(*) into moved from due, (select count(*) from woken) w;
    return moved;
end $$;

-- How long until a claim of this queue may find something that is not there now: the next due job
-- or the next permit. Null: nothing is known to come. With marks, as a claim with the same marks.
create or replace function queue.next_v2(
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

drop function queue.promoted_since;
drop sequence queue.promoted_all, queue.promoted_to;
