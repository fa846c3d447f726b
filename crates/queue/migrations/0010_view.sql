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
