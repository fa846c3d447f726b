-- What the release before this one asks of the queue's schema, as it asks it. Replaced when a release
-- is made, by the statements of that release.

-- §
delete from queue.lane_key where lane = $1

-- §
delete from queue.limit_window where key = $1 and no >= $2

-- §
insert into queue.audit (actor, action, subject, detail) values ($1, $2, $3, $4)

-- §
insert into queue.bulk (action, filter, actor, upto, matched) values ($1, $2, $3, $4, $5)
        returning id, created_at

-- §
insert into queue.event (kind, subject) values ($1, $2)

-- §
insert into queue.lane (queue, name) values ($1, $2)
        on conflict (queue, name) do update set name = excluded.name returning id

-- §
insert into queue.lane_key (lane, position, key, wait, tokens, micros)
            select $1, $2, id, $4, $5, $6 from queue.limit_key where name = $3

-- §
insert into queue.limit_key (name, counts, guard, in_flight, parent, share, urgent, call_timeout, trip_after, cooldown, cooldown_max)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce($10, interval '30 seconds'), coalesce($11, interval '15 minutes'))
        on conflict (name) do update
            set counts = excluded.counts, guard = excluded.guard, in_flight = excluded.in_flight,
                parent = excluded.parent, share = excluded.share, urgent = excluded.urgent,
                call_timeout = excluded.call_timeout, trip_after = excluded.trip_after,
                cooldown = excluded.cooldown, cooldown_max = excluded.cooldown_max
        returning id

-- §
insert into queue.limit_window as w (key, no, dimension, amount, period, calendar, zone)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (key, no) do update
            set dimension = excluded.dimension, amount = excluded.amount, period = excluded.period,
                calendar = excluded.calendar, zone = excluded.zone,
                override_amount = case when w.dimension = excluded.dimension then w.override_amount end,
                override_until = case when w.dimension = excluded.dimension then w.override_until end

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
select ($1::text::xid8, $2::bigint) >= (xid, id) as "known!" from queue.event_floor

-- §
select (extract(epoch from queue.next_v2($1, $2, $3, $4)) * 1000)::float8 as "ms"

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
select b.id, b.name, b.created_at,
            (b.total + d.total)::bigint as "total!", (b.done + d.done)::bigint as "done!", (b.failed + d.failed)::bigint as "failed!"
        from queue.batch b
        cross join lateral (
            select coalesce(sum(x.total), 0) as total, coalesce(sum(x.done), 0) as done, coalesce(sum(x.failed), 0) as failed
            from queue.batch_delta x where x.batch = b.id
        ) d
        where b.id = coalesce($2, (
            select x.batch from (
                select m.batch from queue.batch_job m where m.job = $1
                union all
                select f.id from queue.batch f where f.id = $1
            ) x order by x.batch desc limit 1))

-- §
select c.name from queue.limit_key c where c.parent = $1 and c.counts <> $2 limit 1

-- §
select case when $4
            then queue.fail_v2($1, $2, $3, 'released', 'the answer to its claim was lost', null, null, false, false, null, null)
            else queue.fail_v2($1, $2, $3, 'lost', 'the worker lost track of it', null, null, true, false, null, null) end
        from queue.running r
        where r.id = $2 and r.process = $1 and r.lease = $3
            and ($4 or r.claimed_at < clock_timestamp() - interval '10 seconds')

-- §
select case when p = 'infinity' then '9999-01-01Z'::timestamptz else p end
                from queue.permit_v2($1, $2, $3, $4, $5, $6, $7) p

-- §
select clock_timestamp() as "now!"

-- §
select clock_timestamp() as "now!",
            (sum(b.n * power(2::float8, (b.duration - 0.5)::float8 / 4)) / nullif(sum(b.n), 0)::float8 / 1000)::float8 as mean_run,
            coalesce(sum(b.n), 0)::float8 / greatest(extract(epoch from clock_timestamp() - min(b.minute)), 60)::float8 as rate
        from queue.bucket b join queue.lane l on l.id = b.lane
        where l.queue = $1 and l.name = $2 and b.was = 'running' and b.became = 'completed'
            and b.duration >= 0 and b.minute > clock_timestamp() - interval '10 minutes'

-- §
select coalesce((
                select min(w.amount * (1 - k.share)) from queue.limit_window w
                where w.key = k.id and w.amount * (1 - k.share) < case w.dimension when 'tokens' then $2::bigint when 'money' then $3::bigint else 1 end
            ), -1) as "too_small!" from queue.limit_key k where k.name = $1

-- §
select date_bin($1, m.at, 'epoch') as "at?", l.queue as "queue?", m.kind as "kind?",
            m.was as "was!", m.became as "became!", m.duration as "duration!", sum(m.n)::bigint as "n!"
        from (
            select b.minute as at, b.lane, b.kind, b.was, b.became, b.duration, b.n from queue.bucket b
            where b.minute >= $2 and b.minute < $3
            union all
            select d.at, d.lane, d.kind, coalesce(d.was, ''), coalesce(d.became, ''), coalesce(d.duration, -1)::smallint, d.n
            from queue.delta d
            where d.at >= $2 and d.at < $3
        ) m join queue.lane l on l.id = m.lane
        where m.became <> '' and ($4::text is null or l.queue = $4) and ($5::text is null or m.kind = $5)
        group by grouping sets (
            (date_bin($1, m.at, 'epoch'), m.was, m.became, m.duration),
            (l.queue, m.kind, m.was, m.became, m.duration))

-- §
select exists (select from pg_timezone_names where name = $1) as "known!"

-- §
select exists (select from queue.limit_key c join queue.limit_key k on k.id = c.parent where k.name = $1) as "yes!"

-- §
select greatest(m.requests, 0) as "permits!",
            coalesce((
                select greatest(x.amount - x.used, 0)
                from queue.windows_v1(array[k.id, k.parent], clock_timestamp()) x
                join queue.limit_window w on w.key = x.key and w.no = x.no
                where x.dimension = 'requests'
                order by coalesce(w.period, ('1 ' || w.calendar)::interval) desc, x.amount - x.used limit 1
            ), 1000000) as "longest!",
            (select count(*) from (
                select from queue.lane_key lk cross join lateral (
                    select from queue.ready r where r.lane = lk.lane order by r.priority, r.id limit 10000
                ) r where lk.key = k.id limit 10000
            ) x) as "waiting!"
        from queue.limit_key k cross join lateral queue.room_v2(array[k.id], clock_timestamp()) m
        where k.name = $1

-- §
select id as "id!" from queue.children_v1(array[$1::bigint]) order by id limit 1000

-- §
select id as "id!", args as "args!" from queue.job
        where kind = $1 and state in ('pending', 'scheduled', 'available', 'parked', 'retryable')
        order by id

-- §
select id as "id!", lane_id as "lane!", priority as "priority!", kind as "kind!", attempt as "attempt!", max_attempts as "max_attempts!",
            args as "args!", parent, trace, created_at as "created_at!", key, guard,
            tokens as "tokens!", micros as "micros!",
            greatest(extract(epoch from clock_timestamp() - available_at), 0)::float8 as "waited!"
        from queue.claim_v2($1, $2, $3, $4, $5, $6, $7, $8)

-- §
select id, action, filter, actor, state, matched, changed, skipped, created_at, ended_at
        from queue.bulk where id = $1

-- §
select id, action, filter, actor, upto, reached, matched, changed, skipped from queue.bulk
        where state = 'running' and next_at <= clock_timestamp() and ($1::bigint is null or id = $1)
        order by next_at limit 1 for update skip locked

-- §
select id, at, actor, action, subject, coalesce(detail, 'null') as "detail!"
        from queue.audit where id < $1 order by id desc limit $2

-- §
select id, beat from queue.process where dead_at is null and ended_at is null and id <> $1

-- §
select id, lease, cancel from queue.running where process = $1

-- §
select j.id as "id!", j.state as "state!", j.kind as "kind!", j.queue as "queue!", j.lane as "lane!",
            j.priority as "priority!", j.attempt as "attempt!", j.max_attempts as "max_attempts!", j.args as "args!",
            j.unique_key, j.tags, j.parent, j.trace, j.created_at as "created_at!", j.due_at,
            coalesce(j.claimed_at, a.started_at) as claimed_at, j.finished_at,
            p.name as "worker?", j.error, j.cancelling as "cancelling!"
        from queue.page_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) j
        -- of a job that did not complete, its last attempt knows who ran it, and since when
        left join lateral (
            select started_at, process from queue.attempt
            where job = j.id and j.finished_at is not null and j.claimed_at is null
            order by started_at desc limit 1
        ) a on true
        left join queue.process p on p.id = coalesce(j.process, a.process)
        order by j.id desc

-- §
select job as "job!", touched as "touched!" from queue.complete_v2($1, $2, $3, $4, $5, $6, $7, $8)

-- §
select jobs as "jobs!", more as "more!" from queue.prune_v2($1, $2, $3)

-- §
select k.id, k.counts, k.parent is not null as "nested!",
            exists (select from queue.limit_key c join queue.limit_key own on own.id = c.parent where own.name = $2) as "is_parent!"
        from queue.limit_key k where k.name = $1

-- §
select k.id, k.name, k.counts, k.in_flight, k.parked_until, k.parked_why, k.share, k.urgent,
            p.name as "parent?", k.faults, k.trip_after, k.open_until,
            extract(epoch from least(k.cooldown * power(2, least(greatest(k.opened - 1, 0), 16)), k.cooldown_max))::float8 as "cooldown!",
            k.open_until <= clock_timestamp() as half_open,
            (select count(*) from queue.running r
             where r.key = any (array(select c.id from queue.limit_key c where c.id = k.id or c.parent = k.id)))
                + (select count(*) from queue.settlement s where s.key = k.id and s.at > clock_timestamp()) as "flying!",
            case when n.at = 'infinity' then '9999-01-01Z' else n.at end as next_at,
            (select count(*) from (
                select from queue.lane_key lk cross join lateral (
                    select from queue.ready r where r.lane = lk.lane order by r.priority, r.id limit 100000
                ) r where lk.key = k.id limit 100000
            ) x) as "waiting!"
        from queue.limit_key k
        left join queue.limit_key p on p.id = k.parent
        cross join lateral (select queue.next_permit_v2(k.id, clock_timestamp()) as at) n
        order by k.name

-- §
select k.id, k.parent, k.name, k.parked_until, k.parked_why, k.open_until, k.in_flight, m.flying as "flying!",
            lk.tokens, lk.micros, extract(epoch from lk.wait)::float8 as wait,
            case when n.at = 'infinity' then '9999-01-01Z' else n.at end as next_at, n.soonest as "soonest!"
        from queue.lane l
        join queue.lane_key lk on lk.lane = l.id
        join queue.limit_key k on k.id = lk.key
        cross join lateral queue.room_v2(array[k.id], $3) m
        cross join lateral queue.permit_times_v1(k.id, $3, 1, lk.tokens, lk.micros, $4 <= k.urgent or k.share = 0) n
        where l.queue = $1 and l.name = $2
        order by lk.position

-- §
select k.name, d.day as "day!",
            (upto.requests - before.requests - other.requests)::bigint as "requests!",
            (upto.tokens - before.tokens - other.tokens)::bigint as "tokens!",
            (upto.micros - before.micros - other.micros)::bigint as "micros!"
        from queue.limit_key k
        cross join lateral (
            select (statement_timestamp() at time zone 'UTC')::date - i as day
            from generate_series(0, $2::integer - 1) i
        ) d
        cross join lateral (select d.day::timestamp at time zone 'UTC' as opens, (d.day + 1)::timestamp at time zone 'UTC' as closes) b
        cross join lateral (
            select g.cum_requests as requests, g.cum_tokens as tokens, g.cum_micros as micros
            from queue.permit_grant g where g.key = k.id and g.at >= b.opens and g.at < b.closes order by g.at desc limit 1
        ) upto
        cross join lateral (
            select g.cum_requests - g.requests as requests, g.cum_tokens - g.tokens as tokens, g.cum_micros - g.micros as micros
            from queue.permit_grant g where g.key = k.id and g.at >= b.opens and g.at < b.closes order by g.at limit 1
        ) before
        cross join lateral (
            select coalesce(sum(g.requests), 0) as requests, coalesce(sum(g.tokens), 0) as tokens, coalesce(sum(g.micros), 0) as micros
            from queue.permit_grant g
            where g.key = k.id and g.kind = 'external' and g.at >= b.opens and g.at < b.closes
        ) other
        where $1::text is null or k.name = $1
        order by d.day, k.name

-- §
select k.name, v.no as "no!", v.dimension as "dimension!", v.amount as "amount!", v.used as "used!",
            coalesce(w.calendar, round(extract(epoch from w.period)::numeric, 3)::float8 || 's') as "period!"
        from queue.windows_v1(array(select id from queue.limit_key), statement_timestamp()) v
        join queue.limit_window w on w.key = v.key and w.no = v.no
        join queue.limit_key k on k.id = v.key
        order by k.name, v.no

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
select lk.key, l.queue, l.name, lk.position, extract(epoch from lk.wait)::float8 as wait, lk.tokens, lk.micros
        from queue.lane_key lk join queue.lane l on l.id = lk.lane
        order by lk.key, l.queue, l.name

-- §
select name, concurrency from queue.queue

-- §
select name, cron, zone, kind, args, missed, since, clock_timestamp() as "now!",
            extract(epoch from slot)::float8 as slot
        from queue.schedule where not paused

-- §
select name, cron, zone, paused, since, clock_timestamp() as "now!"
        from queue.schedule order by name

-- §
select ord as "ord!", id as "id!", duplicate as "duplicate!"
        from queue.enqueue_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)

-- §
select p.id, p.name, p.version, p.queues, p.started_at, p.beat_at, p.dead_at is not null as "dead!",
            (select count(*) from queue.running r where r.process = p.id) as "running!"
        from queue.process p
        where p.ended_at is null and (p.dead_at is null or p.dead_at > clock_timestamp() - interval '1 hour')
        order by p.started_at desc limit 500

-- §
select parent as "parent!", id as "id!", kind as "kind!", state as "state!", error
                from queue.children_v1($1)

-- §
select q.name, q.paused, q.concurrency, q.cap,
            extract(epoch from clock_timestamp() - (
                select min(x.available_at) from queue.lane l
                cross join generate_series(0, 9) p
                cross join lateral (
                    select available_at from queue.ready r
                    where r.lane = l.id and r.priority = p order by r.id limit 1
                ) x where l.queue = q.name
            ))::float8 as oldest,
            -- five whole minutes and the one that is not over: over as long as they are
            (select coalesce(sum(n), 0) / (5 + extract(second from statement_timestamp()) / 60) from (
                select b.n from queue.bucket b join queue.lane l on l.id = b.lane
                where b.minute >= since.at and l.queue = q.name and b.was = 'running' and b.became = 'completed'
                union all
                select d.n from queue.delta d join queue.lane l on l.id = d.lane
                where d.at >= since.at and l.queue = q.name and d.was = 'running' and d.became = 'completed'
            ) c)::float8 as "completed_per_minute!"
        from queue.queue q
        cross join lateral (select date_trunc('minute', statement_timestamp()) - interval '5 minutes' as at) since
        order by q.name

-- §
select q.paused, q.cap,
            (select count(*) from queue.running r join queue.lane x on x.id = r.lane where q.cap is not null and x.queue = q.name) as "running!",
            (select count(*) from (
                select from queue.ready r
                where r.lane = l.id and (r.priority, r.id) < ($3, $4) limit 1001
            ) x) as "ahead!",
            -- those in other lanes of the same keys that come first
            (select count(*) from (
                select from queue.lane_key own
                join queue.lane_key other on other.key = own.key and other.lane <> own.lane
                cross join lateral (
                    select from queue.ready r
                    where r.lane = other.lane and (r.priority, r.id) < ($3, $4) limit 1001
                ) r
                where own.lane = l.id limit 1001
            ) x) as "beside!",
            -- past what is counted: by the place of its number between the lane's first and last
            (select coalesce(sum(t.n), 0) from queue.tally t where t.lane = l.id and t.state = 'available')::bigint as "waiting!",
            (select r.id from queue.ready r where r.lane = l.id and r.priority = $3 order by r.id limit 1) as first,
            (select r.id from queue.ready r where r.lane = l.id and r.priority = $3 order by r.id desc limit 1) as last,
            (select true from queue.process p
             where p.dead_at is null and p.ended_at is null and q.name = any (p.queues) limit 1) as worked
        from queue.lane l join queue.queue q on q.name = l.queue
        where l.queue = $1 and l.name = $2

-- §
select queue.apply_v1($1, $2, $3) as "n!"

-- §
select queue.batch_add_v1($1, $2)

-- §
select queue.check_edges_v1()

-- §
select queue.count_elsewhere_v1($1, $2, $3, $4) as "known!"

-- §
select queue.count_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) as "n!"

-- §
select queue.drop_day_v1($1)

-- §
select queue.expired_v1($1, $2) as "name!"

-- §
select queue.fail_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- §
select queue.fold_batches_v1()

-- §
select queue.fold_keys_v1()

-- §
select queue.fold_v1()

-- §
select queue.matching_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) as "id!"

-- §
select queue.park_v1($1, $2, $3)

-- §
select queue.partition_v1()

-- §
select queue.release_v1($1) as "n!"

-- §
select queue.rescue_v2($1) as "n!"

-- §
select queue.rescue_v2('{}')

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
select touched as "touched!" from queue.complete_v2($1, $2, $3, $4, $5, $6, $7, $8)

-- §
select v.dimension as "dimension!", v.amount - v.used < c.need as "blocks!", (k.counts = 'finish') as "finish!",
            ($2 / p.calls)::bigint as "rounds!",
            extract(epoch from coalesce(w.period + k.guard, ('1 ' || w.calendar)::interval))::float8 as "length!",
            case when x.at = 'infinity' then '9999-01-01Z' else x.at end as "at!"
        from queue.windows_v1(array[$1::integer], $5) v
        join queue.limit_key k on k.id = v.key
        join queue.limit_window w on w.key = v.key and w.no = v.no
        left join lateral (
            select sum(g.tokens) / nullif(sum(g.requests), 0) as tokens, sum(g.micros) / nullif(sum(g.requests), 0) as micros
            from (select * from queue.permit_grant g where g.key = v.key order by g.at desc limit 200) g
        ) mean on true
        cross join lateral (select case w.dimension when 'requests' then 1 when 'tokens' then $3::bigint else $4::bigint end as need) c
        cross join lateral (select greatest(1, case w.dimension
            when 'requests' then 1 when 'tokens' then coalesce(nullif(mean.tokens, 0), $3) else coalesce(nullif(mean.micros, 0), $4) end)::bigint as each) e
        cross join lateral (select greatest(1, v.amount / e.each) as calls) p
        cross join lateral (select ($2 % p.calls + 1) as n) rest
        join lateral queue.window_permits_v1(v.key, $5,
            rest.n, case when c.need = 0 then 0 else rest.n * e.each end, case when c.need = 0 then 0 else rest.n * e.each end) x on x.no = v.no

-- §
select v.key as "key!", v.no as "no!", v.dimension as "dimension!", v.amount as "amount!", v.used as "used!",
            v.resets_at, w.amount as base_amount, w.calendar, w.zone,
            extract(epoch from w.period)::float8 as period,
            case when w.override_until > statement_timestamp() then w.override_until end as override_until,
            extract(epoch from pace.over)::float8 as "over!",
            (case w.dimension
                when 'requests' then last.requests - before.requests
                when 'tokens' then last.tokens - before.tokens
                else last.micros - before.micros end)::float8 as lately,
            statement_timestamp() as "now!"
        from queue.windows_v1(array(select id from queue.limit_key), statement_timestamp()) v
        join queue.limit_window w on w.key = v.key and w.no = v.no
        cross join lateral (select least(greatest(coalesce(w.period, ('1 ' || w.calendar)::interval) / 10, interval '1 minute'), interval '1 hour') as over) pace
        left join lateral (
            select g.cum_requests as requests, g.cum_tokens as tokens, g.cum_micros as micros
            from queue.permit_grant g where g.key = v.key order by g.at desc limit 1
        ) last on true
        left join lateral (
            select g.cum_requests - g.requests as requests, g.cum_tokens - g.tokens as tokens, g.cum_micros - g.micros as micros
            from queue.permit_grant g where g.key = v.key and g.at > statement_timestamp() - pace.over order by g.at limit 1
        ) before on true
        order by v.key, v.no

-- §
select w.no, t.at as "at!",
            (case w.dimension
                when 'requests' then upto.requests - before.requests
                when 'tokens' then upto.tokens - before.tokens
                else upto.micros - before.micros end) as used
        from queue.limit_key k
        join queue.limit_window w on w.key = k.id
        cross join lateral (select coalesce(w.period, ('1 ' || w.calendar)::interval) as length) l
        cross join generate_series(0, $2::integer - 1) i
        cross join lateral (select statement_timestamp() - l.length + l.length * i / ($2::integer - 1) as at) t
        cross join lateral (select case
            when w.period is not null then t.at - w.period - k.guard
            else date_trunc(w.calendar, t.at, w.zone) - k.guard - interval '1 microsecond' end as since) o
        left join lateral (
            select g.cum_requests as requests, g.cum_tokens as tokens, g.cum_micros as micros
            from queue.permit_grant g where g.key = k.id and g.at > o.since and g.at <= t.at order by g.at desc limit 1
        ) upto on true
        left join lateral (
            select g.cum_requests - g.requests as requests, g.cum_tokens - g.tokens as tokens, g.cum_micros - g.micros as micros
            from queue.permit_grant g where g.key = k.id and g.at > o.since and g.at <= t.at order by g.at limit 1
        ) before on true
        where k.name = $1
        order by w.no, t.at

-- §
select x.xid::text::bigint as "xid!", x.id as "id!" from (
            select pg_snapshot_xmin(pg_current_snapshot()) as xid, 0::bigint as id
            union all
            select xid, id from queue.event_floor
        ) x
        order by x.xid desc, x.id desc limit 1

-- §
select xid::text::bigint as "xid!", id, kind, subject, at from queue.event
        where (xid, id) > ($1::text::xid8, $2::bigint)
            and xid < pg_snapshot_xmin(pg_current_snapshot())
        order by xid, id limit $3

-- §
update queue.bulk set reached = $2, changed = $3, skipped = $4,
            next_at = clock_timestamp() + $5,
            state = case when $6 then 'done' else state end,
            ended_at = case when $6 then clock_timestamp() end
        where id = $1

-- §
update queue.bulk set state = 'cancelled', ended_at = clock_timestamp()
        where id = $1 and state = 'running' returning changed, skipped

-- §
update queue.limit_key set open_until = greatest(open_until, clock_timestamp() + $2), opened = greatest(opened, 1) where name = $1 returning id

-- §
update queue.limit_key set open_until = null, opened = 0, faults = 0 where name = $1 returning id

-- §
update queue.limit_key set parked_until = null, parked_why = null where name = $1 returning id

-- §
update queue.limit_window w
        set override_amount = $3, override_until = clock_timestamp() + $4
        from queue.limit_key k
        where k.name = $1 and w.key = k.id and w.no = $2 returning k.id

-- §
update queue.process set beat = beat + 1, beat_at = clock_timestamp()
        where id = $1 and dead_at is null and ended_at is null

-- §
update queue.process set beat = beat + 1, beat_at = clock_timestamp() where id = $1

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
with added as (
            insert into queue.batch (id, name, on_failure)
            values (coalesce($1, nextval('queue.job_id')), $2, $3) on conflict do nothing returning id
        )
        select coalesce((select id from added), $1) as "id!"

-- §
with before as materialized (
            select e.parent as id from queue.edge e where $2 and e.child = $1 order by 1 limit $3
        ), after as materialized (
            select e.child as id from queue.edge e where e.parent = $1 order by 1 limit $3
        )
        select true as "before!", s.id as "id!", s.kind as "kind!", s.state as "state!"
        from queue.states_v1(array(select id from before)) s
        union all
        select false, s.id, s.kind, s.state from queue.states_v1(array(select id from after)) s where s.state = 'pending'
        order by 1, 2

-- §
with gone as (
            delete from queue.event where at < statement_timestamp() - interval '24 hours' returning xid, id
        ), newest as (
            select xid, id from gone order by xid desc, id desc limit 1
        )
        update queue.event_floor f set xid = n.xid, id = n.id from newest n
        where (f.xid, f.id) < (n.xid, n.id)

-- §
with o as materialized (
            select l.queue, queue.lane_open(l.id) as open, x.at
            from queue.lane l cross join lateral (
                select min(r.available_at) as at
                from generate_series(0, 9) p cross join lateral (
                    select available_at from queue.ready r
                    where r.lane = l.id and r.priority = p order by r.id limit 1
                ) r
            ) x where x.at is not null
        )
        select q.name, q.paused,
            coalesce(extract(epoch from clock_timestamp()
                - (select min(at) from o where o.queue = q.name and o.open)), 0)::float8 as "available!",
            coalesce(extract(epoch from clock_timestamp()
                - (select min(at) from o where o.queue = q.name and not o.open)), 0)::float8 as "parked!",
            (select count(*) from queue.process p
             where q.name = any (p.queues) and p.dead_at is null and p.ended_at is null
                and p.beat_at > clock_timestamp() - interval '30 seconds') as "processes!"
        from queue.queue q order by q.name

-- §
with o as materialized (select id, queue, queue.lane_open(id) as open from queue.lane)
        select o.queue as "queue!", x.kind as "kind!",
            case when x.state = 'available' and not o.open then 'parked' else x.state end as "state!",
            sum(x.n)::bigint as "jobs!"
        from (
            select lane, kind, state, n from queue.tally
            union all
            select lane, kind, became, n from queue.delta where became is not null
            union all
            select lane, kind, was, -n from queue.delta where was is not null
        ) x join o on o.id = x.lane
        group by 1, 2, 3

-- §
with q as (update queue.queue set cap = $2 where name = $1 returning name)
        select queue.wake(array[q.name]) is null as "done!" from q

-- §
with q as (update queue.queue set paused = $2 where name = $1 returning name)
        select queue.wake(array[q.name]) is null as "done!" from q

-- §
with waiting as materialized (
            select x.lane, greatest(sum(x.n), 0)::bigint as n from (
                select lane, n from queue.tally where state = 'available'
                union all
                select lane, n from queue.delta where became = 'available'
                union all
                select lane, -n from queue.delta where was = 'available'
            ) x group by x.lane
        )
        select k.name, k.faults, k.trip_after,
            (select count(*) from queue.running r where r.key = k.id) as "in_flight!",
            coalesce((select sum(w.n) from queue.lane_key lk join waiting w on w.lane = lk.lane where lk.key = k.id), 0)::bigint as "waiting!",
            case when not isfinite(k.parked_until) then 'infinity'::float8
                else coalesce(greatest(extract(epoch from k.parked_until - clock_timestamp()), 0), 0)::float8 end as "parked!",
            k.open_until <= clock_timestamp() as half_open
        from queue.limit_key k order by k.name

-- §
with x as (
            select l.queue, d.duration, sum(d.n) as n from (
                select lane, duration, n from queue.bucket
                where minute >= date_trunc('minute', statement_timestamp()) - interval '1 hour'
                    and was = $1 and duration >= 0 and ($2::text is null or became <> $2)
                union all
                select lane, duration, n from queue.delta
                where at >= date_trunc('minute', statement_timestamp()) - interval '1 hour'
                    and was = $1 and duration >= 0 and ($2::text is null or became <> $2)
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
