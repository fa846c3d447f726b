-- Those of these jobs that have ended, and if each completed.
create or replace function queue.ended(p_jobs bigint[]) returns table (id bigint, completed boolean)
language sql stable set enable_seqscan = off set jit = off as $$
    select d.id, true from queue.done d where d.id = any (p_jobs)
    union all
    select f.id, false from queue.failed f where f.id = any (p_jobs)
$$;

-- Deletes the edges to jobs that wait for these, in the transaction that ends these, and records the children
-- as unblocked.
create or replace function queue.unblock_dependents(p_jobs bigint[], p_completed boolean) returns void
language sql set enable_seqscan = off set jit = off as $$
    with cut as (
        delete from queue.edge e
        where e.parent = any (p_jobs) and (p_completed or e.on_failure <> 'pause')
        returning e.parent, e.child, e.on_failure
    ), remembered as (
        insert into queue.cascaded_edge (child, parent)
        select c.child, c.parent from cut c join queue.pending p on p.id = c.child
        where not p_completed and c.on_failure = 'cascade'
        on conflict do nothing
    ), counted as (
        insert into queue.batch_delta (batch, done, failed)
        select b.id, count(*) filter (where p_completed), count(*) filter (where not p_completed)
        from cut c join queue.batch b on b.id = c.child group by 1
    )
    insert into queue.unblocked (child, failed)
    select child, min(parent) filter (where not p_completed and on_failure = 'cascade') from cut group by child
$$;

-- Moves unblocked children without a remaining edge to where they are claimed, and cancels those whose parent
-- failed. If several processes try at once, the deletion from `pending` decides which of them moves a child.
-- Returns the number of children handled.
create or replace function queue.release_unblocked(p_limit integer default 1000) returns integer
language plpgsql set enable_seqscan = off set jit = off as $$
declare
    t timestamptz := clock_timestamp();
    children bigint[];
    failures bigint[];
    gone bigint[];
    held integer;
begin
    with taken as (
        delete from queue.unblocked l
        where l.id = any (array(select id from queue.unblocked order by id limit p_limit for update skip locked))
        returning l.child, l.failed
    ), each as (
        select child, min(failed) as failed from taken group by child
    )
    select array_agg(child order by child), array_agg(failed order by child) into children, failures from each;
    if children is null then
        return 0;
    end if;

    with free as (
        select p.id from queue.pending p
        where p.id = any (array(select u.child from unnest(children, failures) u(child, failed) where u.failed is null))
            and (select true from queue.edge e where e.child = p.id limit 1) is null
        order by p.id for update skip locked
    ), moved as (
        delete from queue.pending p where p.id = any (array(select id from free)) returning p.*
    ), now as (
        insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at, available_at)
        select id, lane, priority, kind, 0, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at, t
        from moved where due_at is null or due_at <= t
    ), later as (
        insert into queue.scheduled (id, due_at, retry, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at)
        select id, due_at, false, lane, priority, kind, 0, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at
        from moved where due_at > t
    ), counted as (
        insert into queue.delta (lane, kind, was, became, n)
        select lane, kind, 'pending', case when due_at > t then 'scheduled' else 'available' end, count(*) from moved group by 1, 2, 4
    ), woken as materialized (
        select queue.wake(array(select distinct l.queue from moved d join queue.lane l on l.id = d.lane)) from (select from moved limit 1) x
    )
    select array_agg(m.id) into gone from moved m, (select count(*) from woken) w;

    with doomed as (
        select p.id from queue.pending p
        where p.id = any (array(select u.child from unnest(children, failures) u(child, failed) where u.failed is not null))
        order by p.id for update skip locked
    ), dead as (
        delete from queue.pending p where p.id = any (array(select id from doomed)) returning p.*
    ), kept as (
        insert into queue.failed (id, finished_at, state, error, due_at, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at)
        select d.id, t, 'cancelled', format('job %s, for which it waited, did not complete', u.failed), d.due_at, d.lane, d.priority, d.kind, 0, d.max_attempts,
            d.args, d.unique_key, d.unique_until, d.tags, d.parent, d.trace, d.created_at
        from dead d join unnest(children, failures) u(child, failed) on u.child = d.id
    ), keys as (
        delete from queue.unique_key u using dead d where u.kind = d.kind and u.key = d.unique_key and u.job = d.id
    ), counted as (
        insert into queue.delta (lane, kind, was, became, n)
        select lane, kind, 'pending', 'cancelled', count(*) from dead group by 1, 2
    )
    select array_agg(id) into gone from dead;
    if gone is not null then
        perform queue.unblock_dependents(gone, false);
    end if;

    -- A row that another transaction held is left for the next call.
    insert into queue.unblocked (child, failed)
    select u.child, u.failed
    from unnest(children, failures) u(child, failed) join queue.pending p on p.id = u.child
    where u.failed is not null or (select true from queue.edge e where e.child = p.id limit 1) is null;
    get diagnostics held = row_count;
    return cardinality(children) - held;
end $$;

-- Makes the jobs that wait for a superseded job wait for the newer job that holds its unique key.
create or replace function queue.hand_over_dependents(p_job bigint, p_newer bigint) returns void
language plpgsql set enable_seqscan = off set jit = off as $$
begin
    with moved as (
        delete from queue.edge e where e.parent = p_job returning e.child, e.on_failure
    ), waits as (
        insert into queue.edge (parent, child, on_failure) select p_newer, m.child, m.on_failure from moved m where m.child <> p_newer
        on conflict do nothing
    )
    -- the newer job may have ended meanwhile
    insert into queue.edge_recheck (child) select m.child from moved m;
end $$;

-- Checks children for parents that ended before the edges were visible to them, or that are no longer kept:
-- the outcome of such a parent is unknown, and a child that depends on it is cancelled. Returns the number of
-- rows checked.
create or replace function queue.recheck_edges(p_limit integer default 100) returns integer
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
declare
    t timestamptz := clock_timestamp();
    alone boolean := pg_current_xact_id_if_assigned() is null;
    me xid8;      -- a transaction that could not see the edges has a lower number; null: the caller's number is older
    oldest xid8;  -- the oldest transaction under way
    checked bigint[];
    children bigint[];
    settled bigint[];  -- children for which every transaction under way when they were added is over
    skipped bigint[];  -- children with an edge that another transaction held
begin
    select array_agg(x.id), array_agg(distinct x.child) into checked, children from (
        select u.id, u.child from queue.edge_recheck u where u.next_check_at <= t order by u.next_check_at limit p_limit for update skip locked
    ) x;
    if checked is null then
        return 0;
    end if;
    if alone then
        me := pg_current_xact_id();
    end if;
    select pg_snapshot_xmin(pg_current_snapshot()) into oldest;
    settled := array(select u.child from queue.edge_recheck u where u.id = any (checked) and coalesce(u.until, me) <= oldest);

    with edge as materialized (
        -- an edge that another transaction is deleting is left to that transaction
        select e.parent, e.child, e.on_failure from queue.edge e where e.child = any (children) for update skip locked
    ), ended as materialized (
        select e.parent, e.child, e.on_failure, s.state
        from edge e left join queue.states(array(select distinct parent from edge)) s on s.id = e.parent
        where s.state = 'completed' or s.state in ('discarded', 'cancelled') and e.on_failure <> 'pause'
            -- no row of the parent: its transaction is not committed yet, or it is no longer kept
            or s.state is null and e.child = any (settled)
    ), cut as (
        delete from queue.edge e using ended x where e.parent = x.parent and e.child = x.child
    ), remembered as (
        insert into queue.cascaded_edge (child, parent)
        select x.child, x.parent from ended x join queue.pending p on p.id = x.child
        where x.state in ('discarded', 'cancelled') and x.on_failure = 'cascade'
        on conflict do nothing
    ), counted as (
        insert into queue.batch_delta (batch, done, failed)
        select b.id, count(*) filter (where x.state = 'completed'), count(*) filter (where x.state is distinct from 'completed')
        from ended x join queue.batch b on b.id = x.child group by 1
    ), unblocked as (
        insert into queue.unblocked (child, failed)
        select child, min(parent) filter (where state is distinct from 'completed' and on_failure <> 'ignore') from ended group by child
        union all
        -- and children without an edge
        select p.id, null from queue.pending p
        where p.id = any (children) and (select true from queue.edge e where e.child = p.id limit 1) is null
    )
    select array_agg(a.child) into skipped
    from (select e.child, count(*) as n from queue.edge e where e.child = any (children) group by 1) a
    left join (select e.child, count(*) as n from edge e group by 1) g on g.child = a.child
    where g.n is distinct from a.n;

    delete from queue.edge_recheck u where u.id = any (checked) and u.child = any (settled) and u.child <> all (coalesce(skipped, '{}'))
        and coalesce(u.until, me) <= oldest;
    update queue.edge_recheck u
    set until = coalesce(u.until, me), checks = least(u.checks + 1, 6),
        next_check_at = t + least(60, 2 ^ u.checks) * interval '1 second'
    where u.id = any (checked);
    return cardinality(checked);
end $$;

-- The safety net under every other release: reads the edges, `p_limit` parents in a step, for parents that
-- have ended, and the pending jobs for those without edges, and has both rechecked. Returns the start of the
-- next step; null: the end is reached.
create or replace function queue.sweep_pending(p_after bigint default 0, p_limit integer default 1000) returns bigint
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
declare
    parents bigint[] := array(select e.parent from queue.edge e where e.parent > p_after order by e.parent, e.child limit p_limit);
    jobs bigint[] := array(select p.id from queue.pending p where p.id > p_after order by p.id limit p_limit);
begin
    insert into queue.edge_recheck (child)
    select e.child from queue.ended(array(select distinct x from unnest(parents) x)) s join queue.edge e on e.parent = s.id
    where s.completed or e.on_failure <> 'pause'
    union
    select p.id from queue.pending p
    where p.id = any (jobs) and (select true from queue.edge e where e.child = p.id limit 1) is null
    except
    select u.child from queue.edge_recheck u;
    -- the nearer of the two positions whose end is not reached
    return least(
        case when cardinality(parents) = p_limit then parents[p_limit] end,
        case when cardinality(jobs) = p_limit then jobs[p_limit] end);
end $$;

-- Adds jobs to a batch, in the transaction that adds them; jobs that have ended are counted at once.
create or replace function queue.add_to_batch(p_batch bigint, p_jobs bigint[]) returns void
language plpgsql as $$
declare
    fails text;
begin
    select b.on_failure into fails from queue.batch b where b.id = p_batch;
    if not found then
        raise exception 'there is no batch %', p_batch using errcode = 'QU003', detail = p_batch;
    end if;
    with fresh as materialized (
        insert into queue.batch_job (job, batch) select j, p_batch from unnest(p_jobs) j where j <> p_batch order by j
        on conflict do nothing
        returning job
    ), joined as materialized (
        select f.job, e.completed from fresh f left join queue.ended(p_jobs) e on e.id = f.job
    ), edges as (
        insert into queue.edge (parent, child, on_failure)
        select job, p_batch, fails from joined where completed is null or not completed and fails = 'pause' order by job
        on conflict do nothing
    ), cut as (
        -- written when the following job was added, by a statement that did not see this end
        delete from queue.edge e using joined j
        where e.parent = j.job and e.child = p_batch and (j.completed or fails <> 'pause')
    ), loose as (
        insert into queue.unblocked (child, failed)
        select p_batch, min(job) from joined where not completed and fails = 'cascade' having count(*) > 0
    )
    insert into queue.batch_delta (batch, total, done, failed)
    select p_batch, count(*), count(*) filter (where completed), count(*) filter (where not completed and fails <> 'pause')
    from joined having count(*) > 0;
    insert into queue.edge_recheck (child) values (p_batch);
end $$;

-- Makes batches wait again for an ended job, in the transaction that retries it.
create or replace function queue.reopen_batches(p_job bigint, p_completed boolean) returns void
language sql set enable_seqscan = off set jit = off as $$
    with back as (
        insert into queue.edge (parent, child, on_failure)
        select m.job, m.batch, b.on_failure from queue.batch_job m join queue.batch b on b.id = m.batch where m.job = p_job
        on conflict do nothing  -- the edge was kept by `pause`, and the job was not counted
        returning child
    )
    insert into queue.batch_delta (batch, done, failed)
    select child, case when p_completed then -1 else 0 end, case when p_completed then 0 else -1 end from back
$$;

-- Makes a job that was cancelled while it waited wait again for those of its parents that have not ended.
-- Returns true if there are any. A parent that ends meanwhile is found by `recheck_edges`.
create or replace function queue.wait_again(p_job bigint) returns boolean
language plpgsql set enable_seqscan = off set jit = off as $$
declare
    going bigint[] := array(
        select s.id from queue.states(array(
            select w.parent from queue.cascaded_edge w where w.child = p_job union select e.parent from queue.edge e where e.child = p_job)) s
        where s.state not in ('completed', 'discarded', 'cancelled'));
begin
    insert into queue.edge (parent, child, on_failure)
    select w.parent, w.child, 'cascade' from queue.cascaded_edge w where w.child = p_job and w.parent = any (going) order by 1
    on conflict do nothing;
    delete from queue.cascaded_edge w where w.child = p_job;
    -- an edge to a failed parent would cancel the job again; edges to a batch are kept, to be counted when
    -- they are cut
    delete from queue.edge e
    where e.child = p_job and e.parent <> all (going) and not exists (select from queue.batch b where b.id = p_job);
    if cardinality(going) = 0 then
        return false;
    end if;
    insert into queue.edge_recheck (child) values (p_job);
    return true;
end $$;

-- Adds batch deltas to their batches, one process at a time. Returns the number of deltas folded.
create or replace function queue.fold_batches() returns bigint
language plpgsql as $$
declare
    n bigint;
begin
    if not pg_try_advisory_xact_lock(hashtext('queue.fold_batches')) then
        return 0;
    end if;
    with taken as (
        delete from queue.batch_delta returning *
    ), sums as (
        select batch, sum(total) as total, sum(done) as done, sum(failed) as failed from taken group by batch
    ), told as (
        update queue.batch b
        set total = b.total + s.total, done = b.done + s.done, failed = b.failed + s.failed,
            finished_at = case when b.done + s.done + b.failed + s.failed >= b.total + s.total then clock_timestamp() end
        from sums s where b.id = s.batch
    )
    select count(*) into n from taken;
    return n;
end $$;
