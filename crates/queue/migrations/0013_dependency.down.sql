drop function queue.fold_batches_v1, queue.batch_add_v1, queue.enqueue_v2, queue.ended, queue.check_edges_v1, queue.states_v1, queue.release_v1, queue.rejoin, queue.loosen;
drop index queue.ready_parent, queue.scheduled_parent, queue.running_parent;

-- The release before knows no job that waits for others: what waits is cancelled, and says why.
with gone as (
    delete from queue.pending returning *
), kept as (
    insert into queue.failed (id, finished_at, state, error, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at)
    select id, clock_timestamp(), 'cancelled', 'it waited for other jobs, which an older release cannot', lane, priority, kind, 0, max_attempts,
        args, unique_key, holds, tags, parent, trace, created_at
    from gone
), keys as (
    delete from queue.unique_key u using gone g where u.kind = g.kind and u.key = g.unique_key and u.job = g.id
)
insert into queue.delta (lane, kind, was, became, n)
select lane, kind, 'pending', 'cancelled', count(*) from gone group by 1, 2;

drop table queue.batch_delta, queue.batch_job, queue.batch, queue.unchecked, queue.loosened, queue.edge, queue.pending;
