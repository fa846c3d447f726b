-- What the release before this one asks of the queue's schema, as it asks it. Replaced when a release
-- is made, by the statements of that release.

-- §
delete from queue.lane_key where lane = $1

-- §
delete from queue.limit_window where key = $1

-- §
insert into queue.event (kind, subject) values ($1, $2)

-- §
insert into queue.lane (queue, name) values ($1, $2)
        on conflict (queue, name) do update set name = excluded.name returning id

-- §
insert into queue.lane_key (lane, position, key, wait)
            select $1, $2, id, $4 from queue.limit_key where name = $3

-- §
insert into queue.limit_key (name, counts, guard, in_flight) values ($1, $2, $3, $4)
        on conflict (name) do update
            set counts = excluded.counts, guard = excluded.guard, in_flight = excluded.in_flight
        returning id

-- §
insert into queue.limit_window (key, no, dimension, amount, period)
            values ($1, $2, 'requests', $3, $4)

-- §
insert into queue.process (id, name, version, queues) values ($1, $2, $3, $4)

-- §
insert into queue.queue (name) select unnest($1::text[]) on conflict do nothing

-- §
insert into queue.queue (name) values ($1) on conflict do nothing

-- §
insert into queue.schedule (name, cron, zone, kind, args, slot, missed)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (name) do update set
            since = case when (schedule.cron, schedule.zone) = (excluded.cron, excluded.zone)
                then schedule.since else clock_timestamp() end,
            cron = excluded.cron, zone = excluded.zone, kind = excluded.kind, args = excluded.args, slot = excluded.slot, missed = excluded.missed

-- §
insert into queue.tick (schedule, fire_at) values ($1, $2) on conflict do nothing

-- §
select
            case when k.parked_until > clock_timestamp() then 0 else greatest(m.requests, 0) end as "permits!",
            greatest(m.longest, 0) as "longest!",
            (select count(*) from (
                select from queue.lane_key lk cross join lateral (
                    select from queue.ready r where r.lane = lk.lane order by r.priority, r.id limit 10000
                ) r where lk.key = k.id limit 10000
            ) x) as "waiting!"
        from queue.limit_key k cross join lateral queue.room_v1(array[k.id], clock_timestamp()) m
        where k.name = $1

-- §
select ($1::text::xid8, $2::bigint) >= (xid, id) as "known!" from queue.event_floor

-- §
select (extract(epoch from queue.next_v1($1)) * 1000)::float8 as "ms"

-- §
select a.number as "number!", coalesce(p.name, 'unknown') as "worker!", a.started_at as "started_at!",
            a.ended_at, a.outcome as "outcome!", a.error, a.log
        from (
            select number, process, started_at, ended_at, outcome, error, log from queue.attempt where job = $1
            union all
            select attempt, process, claimed_at, finished_at, 'completed', null, log from queue.done where id = $1
            union all
            select attempt, process, claimed_at, null, 'running', null, null from queue.running where id = $1
        ) a left join queue.process p on p.id = a.process
        order by a.started_at, a.number limit 1000

-- §
select case when p = 'infinity' then '9999-01-01Z'::timestamptz else p end
                from queue.permit_v1($1, $2, $3, $4) p

-- §
select id as "id!" from queue.job where parent = $1 order by id limit 1000

-- §
select id as "id!", kind as "kind!", attempt as "attempt!", max_attempts as "max_attempts!",
            args as "args!", parent, trace, created_at as "created_at!", key, guard
        from queue.claim_v1($1, $2, $3, $4, $5)

-- §
select id, beat from queue.process where dead_at is null and ended_at is null and id <> $1

-- §
select id, lease, cancel from queue.running where process = $1

-- §
select j.id as "id!", j.state as "state!", j.kind as "kind!", j.queue as "queue!", j.lane as "lane!",
            j.priority as "priority!", j.attempt as "attempt!", j.max_attempts as "max_attempts!", j.args as "args!",
            j.unique_key, j.tags, j.parent, j.trace, j.created_at as "created_at!", j.due_at, j.claimed_at, j.finished_at,
            p.name as "worker?", j.error, j.cancelling as "cancelling!"
        from queue.page_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) j left join queue.process p on p.id = j.process
        order by j.id desc

-- §
select job as "job!" from queue.complete_v1($1, $2, $3, $4, $5) as job

-- §
select k.id, k.name, k.counts, k.in_flight, k.parked_until, k.parked_why,
            (select count(*) from queue.running r where r.key = k.id) as "flying!",
            case when n.at = 'infinity' then '9999-01-01Z' else n.at end as next_at,
            (select count(*) from (
                select from queue.lane_key lk cross join lateral (
                    select from queue.ready r where r.lane = lk.lane order by r.priority, r.id limit 100000
                ) r where lk.key = k.id limit 100000
            ) x) as "waiting!"
        from queue.limit_key k cross join lateral (select queue.next_permit_v1(k.id, clock_timestamp()) as at) n
        order by k.name

-- §
select kind, args from queue.schedule where name = $1

-- §
select l.queue as "queue!", case when x.state = 'available' and not o.open then 'parked' else x.state end as "state!",
            sum(x.n)::bigint as "n!"
        from (
            select lane, state, n from queue.tally
            union all
            select lane, became, n from queue.delta where became is not null
            union all
            select lane, was, -n from queue.delta where was is not null
        ) x
        join queue.lane l on l.id = x.lane
        join (select id, queue.lane_open(id) as open from queue.lane offset 0) o on o.id = x.lane
        group by 1, 2

-- §
select last_value as "n!" from queue.job_id

-- §
select name, concurrency from queue.queue

-- §
select name, cron, zone, kind, args, missed, since, clock_timestamp() as "now!",
            extract(epoch from slot)::float8 as slot
        from queue.schedule where not paused

-- §
select ord as "ord!", id as "id!", duplicate as "duplicate!"
        from queue.enqueue_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)

-- §
select p.id, p.name, p.version, p.queues, p.started_at, p.beat_at, p.dead_at is not null as "dead!",
            (select count(*) from queue.running r where r.process = p.id) as "running!"
        from queue.process p
        where p.ended_at is null and (p.dead_at is null or p.dead_at > clock_timestamp() - interval '1 hour')
        order by p.started_at desc limit 500

-- §
select q.name, q.paused, q.concurrency,
            extract(epoch from clock_timestamp() - (
                select min(x.available_at) from queue.lane l
                cross join generate_series(0, 9) p
                cross join lateral (
                    select available_at from queue.ready r
                    where r.lane = l.id and r.priority = p order by r.id limit 1
                ) x where l.queue = q.name
            ))::float8 as oldest,
            (select coalesce(sum(n), 0)::bigint from (
                select b.n from queue.bucket b join queue.lane l on l.id = b.lane
                where b.minute >= date_trunc('minute', statement_timestamp()) - interval '5 minutes'
                    and l.queue = q.name and b.was = 'running' and b.became = 'completed'
                union all
                select d.n from queue.delta d join queue.lane l on l.id = d.lane
                where l.queue = q.name and d.was = 'running' and d.became = 'completed'
            ) c) as "completed!"
        from queue.queue q order by q.name

-- §
select q.paused,
            (select count(*) from (
                select from queue.ready r
                where r.lane = l.id and (r.priority, r.id) < ($3, $4) limit 1000
            ) x) as "ahead!",
            k.name as "key?", k.parked_until, k.parked_why,
            case when n.at = 'infinity' then '9999-01-01Z' else n.at end as next_at,
            n.at > clock_timestamp() as blocked,
            (select extract(epoch from max(w.period / w.amount))::float8
             from queue.limit_window w where w.key = k.id) as "pace",
            (select true from queue.process p
             where p.dead_at is null and p.ended_at is null and q.name = any (p.queues) limit 1) as worked
        from queue.lane l join queue.queue q on q.name = l.queue
        left join lateral (
            select lk.key from queue.lane_key lk where lk.lane = l.id
            order by queue.next_permit_v1(lk.key, clock_timestamp()), lk.position limit 1
        ) lk on true
        left join queue.limit_key k on k.id = lk.key
        left join lateral (select queue.next_permit_v1(k.id, clock_timestamp()) as at) n on k.id is not null
        where l.queue = $1 and l.name = $2

-- §
select queue.complete_v1($1, $2, $3, $4, $5)

-- §
select queue.drop_day_v1($1)

-- §
select queue.expired_v1($1, $2) as "name!"

-- §
select queue.fail_v1($1, $2, $3, $4, $5, $6, $7, $8)

-- §
select queue.fail_v1($1, $2, $3, 'lost', 'the worker lost track of it', null, null, true)
            from queue.running r
            where r.id = $2 and r.process = $1 and r.lease = $3
                and r.claimed_at < clock_timestamp() - interval '10 seconds'

-- §
select queue.fold_v1()

-- §
select queue.park_v1($1, $2, $3)

-- §
select queue.partition_v1()

-- §
select queue.prune_v1($1, $2) as "n!"

-- §
select queue.rescue_v1($1) as "n!"

-- §
select queue.rescue_v1('{}')

-- §
select queue.wake(array[$1::text])

-- §
select queue.wake_key($1)

-- §
select s.name, s.cron, s.zone, s.kind, s.args, s.paused, clock_timestamp() as "now!",
            t.fire_at as "fire_at?", t.job as "job?"
        from queue.schedule s
        left join lateral (
            select fire_at, job from queue.tick t where t.schedule = s.name order by fire_at desc limit 1
        ) t on true
        order by s.name

-- §
select state as "state!", applied as "applied!" from queue.cancel_v1($1, 'called off')

-- §
select state as "state!", applied as "applied!" from queue.retry_v1($1)

-- §
select w.key, w.dimension, w.amount, extract(epoch from w.period)::float8 as "period!",
            (coalesce(last.cum_requests - base.before, 0) + u.n
                + case k.counts when 'finish' then f.n else 0 end)::bigint as "used!"
        from queue.limit_window w join queue.limit_key k on k.id = w.key
        cross join lateral (select count(*) as n from queue.running r where r.key = k.id) f
        left join lateral (
            select g.at, g.cum_requests from queue.permit_grant g where g.key = k.id order by g.at desc limit 1
        ) last on true
        cross join lateral (
            select coalesce(sum(s.requests), 0) as n from queue.settlement s
            where s.key = k.id and greatest(s.at, last.at) > statement_timestamp() - w.period - k.guard
        ) u
        left join lateral (
            select g.cum_requests - g.requests as before from queue.permit_grant g
            where g.key = k.id and g.at > greatest(statement_timestamp(), last.at) - w.period - k.guard
            order by g.at limit 1
        ) base on true
        order by w.key, w.no

-- §
select xid::text::bigint as "xid!", id, kind, subject, at from queue.event
        where (xid, id) > ($1::text::xid8, $2::bigint)
            and xid < pg_snapshot_xmin(pg_current_snapshot())
        order by xid, id limit $3

-- §
update queue.limit_key set parked_until = null, parked_why = null where name = $1 returning id

-- §
update queue.process set beat = beat + 1, beat_at = clock_timestamp()
        where id = $1 and dead_at is null and ended_at is null

-- §
update queue.process set ended_at = clock_timestamp(), idle = '{}' where id = $1

-- §
update queue.process set idle = $2 where id = $1

-- §
update queue.queue set concurrency = $2 where name = $1

-- §
update queue.schedule set paused = $2, since = clock_timestamp() where name = $1

-- §
update queue.schedule set since = $2 where name = $1 and since < $2

-- §
update queue.tick set job = $3 where schedule = $1 and fire_at = $2

-- §
with gone as (
            delete from queue.event where at < statement_timestamp() - interval '24 hours' returning xid, id
        ), newest as (
            select xid, id from gone order by xid desc, id desc limit 1
        )
        update queue.event_floor f set xid = n.xid, id = n.id from newest n
        where (f.xid, f.id) < (n.xid, n.id)

-- §
with q as (update queue.queue set paused = $2 where name = $1 returning name)
        select queue.wake(array[q.name]) is null as "done!" from q

-- §
with x as (
            select l.queue, d.duration, sum(d.n) as n from (
                select lane, duration, n from queue.bucket
                where minute >= date_trunc('minute', statement_timestamp()) - interval '1 hour'
                    and was = $1 and duration >= 0 and ($2::text is null or became <> $2)
                union all
                select lane, duration, n from queue.delta
                where was = $1 and duration >= 0 and ($2::text is null or became <> $2)
            ) d join queue.lane l on l.id = d.lane
            group by 1, 2
        ), c as (
            select queue, duration, sum(n) over (partition by queue order by duration) as upto,
                sum(n) over (partition by queue) as total
            from x
        )
        select queue as "queue!", min(duration) filter (where upto >= 0.5 * total) as p50,
            min(duration) filter (where upto >= 0.95 * total) as p95,
            min(duration) filter (where upto >= 0.99 * total) as p99
        from c group by queue
