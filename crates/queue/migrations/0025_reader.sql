-- Beside a reader that holds an old snapshot for minutes, the rows of jobs whose time has come stay in
-- the index of times after they have moved on: whoever looks for due jobs begins at a mark past them.
--
-- Sequences: what is set is seen at once by everybody, and leaves no dead rows itself.
create sequence queue.promoted_to as bigint minvalue 0 start 0;   -- microseconds since 1970: what was due then has been moved
create sequence queue.promoted_all as bigint minvalue 0 start 0;  -- and when that was last looked at from the start

-- Where to begin to look for due jobs: a second before the mark, within which whoever added one may
-- have committed late.
create function queue.promoted_since() returns timestamptz
language sql stable as $$ select to_timestamp(last_value / 1e6) - interval '1 second' from queue.promoted_to $$;

-- Moves scheduled jobs whose time has come to where they can be claimed. It looks from the mark on,
-- and from the start once a second: a job that was added with a time long past by then, or that
-- somebody held, waits as long.
create or replace function queue.promote_v1(p_limit integer default 1000) returns integer
language plpgsql set enable_seqscan = off as $$
declare
    t timestamptz := clock_timestamp();  -- a volatile bound would be compared with every row
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
        where s.id = any (array(
            select id from queue.scheduled where due_at > since and due_at <= t
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

-- How long until a claim of this queue may find something that is not there now: the next due job
-- or the next permit. Null: nothing is known to come. With marks, as a claim with the same marks.
create or replace function queue.next_v2(
    p_queue text, p_lanes integer[] default '{}', p_priorities smallint[] default '{}', p_ids bigint[] default '{}'
) returns interval
language sql stable as $$
    -- `greatest` takes no notice of a null, and nothing must not become now
    select case when min(x.at) is not null then greatest(min(x.at) - clock_timestamp(), '0') end from (
        (select due_at as at from queue.scheduled where due_at > (select queue.promoted_since()) order by due_at limit 1)
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

-- Plans that avoid a sequential scan look expensive enough to be compiled, which takes longer than to
-- run them.
alter function queue.claim_v2 set jit = off;
alter function queue.next_v2 set jit = off;
alter function queue.permit_v2 set jit = off;
alter function queue.runnable set jit = off;
