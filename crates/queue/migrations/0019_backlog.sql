-- How much of a queue a worker could be busy with now: what runs, and what waits and could be
-- claimed. Jobs of a paused queue and of a lane that no key can serve do not count, a limited lane
-- counts for as many calls as its keys have room for, and a queue with a cap for no more than that:
-- more workers would only wait. Lanes that share a key count its room once each, so this is an upper
-- bound.
--
-- For whoever decides how many workers there are: it is asked every few seconds by somebody who may
-- see nothing else. So it reads a thousand jobs of a lane at most, and runs as its owner. Anybody who
-- may connect may ask; what they learn is a number.
create function queue.runnable(p_queue text) returns bigint
language sql stable security definer set search_path = pg_catalog, pg_temp set enable_hashjoin = off set enable_mergejoin = off
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
                -- an open lane serves a call at least: room that is kept for urgent jobs may be it
                else greatest(1, least(1000, (
                    select sum(least(
                        k.requests, k.tokens / greatest(lk.tokens, 1), k.micros / greatest(lk.micros, 1),
                        p.requests, p.tokens / greatest(lk.tokens, 1), p.micros / greatest(lk.micros, 1)))
                    from queue.lane_key lk
                    join queue.room_v2(queue.family(keys.ids), clock_timestamp()) k on k.key = lk.key
                    left join queue.room_v2(queue.family(keys.ids), clock_timestamp()) p on p.key = k.parent
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
