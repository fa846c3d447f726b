-- Jobs that wait for others: what is called off may be retried in order, every end is seen once.

-- What a child waited for that was called off because of it. A retry of the child waits for it again.
create table queue.waited (
    child  bigint not null,
    parent bigint not null,

    primary key (child, parent)
);

-- Deletes what waits for jobs that have ended, in the transaction that ends them.
create or replace function queue.loosen(p_jobs bigint[], p_completed boolean) returns void
language sql set enable_seqscan = off as $$
    with cut as (
        delete from queue.edge e
        where e.parent = any (p_jobs) and (p_completed or e.on_failure <> 'pause')
        returning e.parent, e.child, e.on_failure
    ), remembered as (
        insert into queue.waited (child, parent)
        select c.child, c.parent from cut c join queue.pending p on p.id = c.child
        where not p_completed and c.on_failure = 'cascade'
        on conflict do nothing
    ), counted as (
        insert into queue.batch_delta (batch, done, failed)
        select b.id, count(*) filter (where p_completed), count(*) filter (where not p_completed)
        from cut c join queue.batch b on b.id = c.child group by 1
    )
    insert into queue.loosened (child, failed)
    select child, min(parent) filter (where not p_completed and on_failure = 'cascade') from cut group by child
$$;

-- Looks whether parents have ended before their edges could be seen, or are no longer kept: then
-- nobody knows how they ended, and a child that minds is cancelled. Returns how many it looked at.
create or replace function queue.check_edges_v1(p_limit integer default 100) returns integer
language plpgsql set enable_seqscan = off as $$
declare
    t timestamptz := clock_timestamp();
    alone boolean := pg_current_xact_id_if_assigned() is null;
    me xid8;      -- whoever could not see the edges has a lower number; null: this number is older
    oldest xid8;  -- of those that are under way
    looked bigint[];
    children bigint[];
begin
    select array_agg(x.id), array_agg(distinct x.child) into looked, children from (
        select u.id, u.child from queue.unchecked u where u.look_at <= t order by u.look_at limit p_limit for update skip locked
    ) x;
    if looked is null then
        return 0;
    end if;
    if alone then
        me := pg_current_xact_id();
    end if;
    select pg_snapshot_xmin(pg_current_snapshot()) into oldest;

    with edge as materialized (
        -- an edge that somebody is deleting needs no look
        select e.parent, e.child, e.on_failure from queue.edge e where e.child = any (children) for update skip locked
    ), ended as materialized (
        select e.parent, e.child, e.on_failure, s.state
        from edge e left join queue.states_v1(array(select distinct parent from edge)) s on s.id = e.parent
        where s.state is null or s.state = 'completed' or s.state in ('discarded', 'cancelled') and e.on_failure <> 'pause'
    ), cut as (
        delete from queue.edge e using ended x where e.parent = x.parent and e.child = x.child
    ), remembered as (
        insert into queue.waited (child, parent)
        select x.child, x.parent from ended x join queue.pending p on p.id = x.child
        where x.state in ('discarded', 'cancelled') and x.on_failure = 'cascade'
        on conflict do nothing
    ), counted as (
        insert into queue.batch_delta (batch, done, failed)
        select b.id, count(*) filter (where x.state = 'completed'), count(*) filter (where x.state is distinct from 'completed')
        from ended x join queue.batch b on b.id = x.child group by 1
    )
    insert into queue.loosened (child, failed)
    select child, min(parent) filter (where state is distinct from 'completed' and on_failure <> 'ignore') from ended group by child
    union all
    -- and one that has nothing to wait for
    select p.id, null from queue.pending p
    where p.id = any (children) and (select true from queue.edge e where e.child = p.id limit 1) is null;

    delete from queue.unchecked u where u.id = any (looked) and coalesce(u.until, me) <= oldest;
    update queue.unchecked u
    set until = coalesce(u.until, me), looks = least(u.looks + 1, 6),
        look_at = t + least(60, 2 ^ u.looks) * interval '1 second'
    where u.id = any (looked);
    return cardinality(looked);
end $$;

-- Puts jobs into a batch, in the transaction that adds them: those that have ended count at once.
create or replace function queue.batch_add_v1(p_batch bigint, p_jobs bigint[]) returns void
language plpgsql as $$
declare
    fails text;
begin
    select b.on_failure into fails from queue.batch b where b.id = p_batch;
    if not found then
        raise exception 'there is no batch %', p_batch using errcode = 'QU003';
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
        -- written when the job that follows was added, by a statement that did not see this end
        delete from queue.edge e using joined j
        where e.parent = j.job and e.child = p_batch and (j.completed or fails <> 'pause')
    ), loose as (
        insert into queue.loosened (child, failed)
        select p_batch, min(job) from joined where not completed and fails = 'cascade' having count(*) > 0
    )
    insert into queue.batch_delta (batch, total, done, failed)
    select p_batch, count(*), count(*) filter (where completed), count(*) filter (where not completed and fails <> 'pause')
    from joined having count(*) > 0;
    insert into queue.unchecked (child) values (p_batch);
end $$;

-- Has a job that was called off while it waited wait again for those of its parents that have not
-- ended. Returns whether there are any. One that ends meanwhile is found as at the beginning.
create function queue.waits_again(p_job bigint) returns boolean
language plpgsql set enable_seqscan = off as $$
declare
    going bigint[] := array(
        select s.id from queue.states_v1(array(
            select w.parent from queue.waited w where w.child = p_job union select e.parent from queue.edge e where e.child = p_job)) s
        where s.state not in ('completed', 'discarded', 'cancelled'));
begin
    insert into queue.edge (parent, child, on_failure)
    select w.parent, w.child, 'cascade' from queue.waited w where w.child = p_job and w.parent = any (going) order by 1
    on conflict do nothing;
    delete from queue.waited w where w.child = p_job;
    -- one that has failed would call it off again; a batch counts it when it goes
    delete from queue.edge e
    where e.child = p_job and e.parent <> all (going) and not exists (select from queue.batch b where b.id = p_job);
    if cardinality(going) = 0 then
        return false;
    end if;
    insert into queue.unchecked (child) values (p_job);
    return true;
end $$;

-- Removes a job for good, from every table. A waiting one is called off first, so that whoever waits
-- for it hears of it; a running one is left alone. Returns whether it is gone.
create or replace function queue.delete_v1(p_job bigint, p_state text) returns boolean
language plpgsql as $$
#variable_conflict use_column
declare
    stands text := queue.hold_job(p_job, p_state);
    f queue.failed;
    d queue.done;
begin
    if stands is null or stands = 'running' then
        return false;
    end if;
    if stands not in ('completed', 'discarded', 'cancelled') then
        perform queue.cancel_v1(p_job, 'deleted');
    end if;
    delete from queue.done x where x.id = p_job returning x.* into d;
    if found then
        delete from queue.unique_key u where u.kind = d.kind and u.key = d.unique_key and u.job = d.id;
        insert into queue.delta (lane, kind, was, became, n) values (d.lane, d.kind, 'completed', null, 1);
    else
        delete from queue.failed x where x.id = p_job returning x.* into f;
        if not found then
            return false;
        end if;
        delete from queue.unique_key u where u.kind = f.kind and u.key = f.unique_key and u.job = f.id;
        insert into queue.delta (lane, kind, was, became, n) values (f.lane, f.kind, f.state, null, 1);
    end if;
    -- Who waits for it all the same, until somebody retries it, hears that it is no longer kept.
    insert into queue.unchecked (child) select e.child from queue.edge e where e.parent = p_job;
    -- what a batch waits for counts its progress, whether a job follows or not
    delete from queue.edge e where e.child = p_job and not exists (select from queue.batch b where b.id = p_job);
    delete from queue.waited w where w.child = p_job;
    delete from queue.batch_job m where m.job = p_job;
    delete from queue.payload p where p.job = p_job;
    delete from queue.attempt a where a.job = p_job;
    return true;
end $$;

-- Removes up to `p_limit` rows of each sort that is not kept by days: finished jobs that never had a
-- day's table, attempts, minutes, ticks, processes, batches, ended commands, the audit of more than
-- 400 days ago, grants that no window can reach, and limit keys that nothing names. Returns how many jobs, and whether there is more. It skips what
-- somebody holds.
create or replace function queue.prune_v2(p_done_days integer, p_failed_days integer, p_limit integer default 5000)
returns table (jobs bigint, more boolean)
language plpgsql set lock_timeout = '100ms' set enable_seqscan = off as $$
#variable_conflict use_column
declare
    t timestamptz := statement_timestamp();
    failed_before timestamptz := t - p_failed_days * interval '24 hours';
    n bigint;
    k record;
begin
    more := false;
    with gone as (
        delete from queue.done_default d
        where d.ctid = any (array(
            select ctid from queue.done_default where finished_at < t - p_done_days * interval '24 hours' limit p_limit for update skip locked))
        returning d.id, d.lane, d.kind, 'completed' as state, d.unique_key
    ), failed as (
        delete from queue.failed_default f
        where f.ctid = any (array(
            select ctid from queue.failed_default where finished_at < failed_before limit p_limit for update skip locked))
        returning f.id, f.lane, f.kind, f.state, f.unique_key
    ), both_ as materialized (
        select * from gone union all select * from failed
    ), keys as (
        delete from queue.unique_key u using both_ b where u.kind = b.kind and u.key = b.unique_key and u.job = b.id
    ), payloads as (
        delete from queue.payload p using both_ b where p.job = b.id
    ), attempts as (
        delete from queue.attempt a using both_ b where a.job = b.id
    ), members as (
        delete from queue.batch_job m using both_ b where m.job = b.id
    ), orphans as (
        insert into queue.unchecked (child) select distinct e.child from queue.edge e join both_ b on e.parent = b.id
    ), forgotten as (
        delete from queue.waited w using both_ b where w.child = b.id
    ), counted as (
        insert into queue.delta (lane, kind, was, became, n)
        select lane, kind, state, null, count(*) from both_ group by 1, 2, 3
    )
    select count(*) into jobs from both_;
    more := more or jobs >= p_limit;

    delete from queue.attempt a
    where a.ctid = any (array(
        select x.ctid from queue.attempt x
        where x.ended_at < failed_before
            and (select true from queue.failed f where f.id = x.job limit 1) is null
        order by x.ended_at limit p_limit for update skip locked));
    get diagnostics n = row_count;
    more := more or n >= p_limit;

    delete from queue.bucket b
    where b.ctid = any (array(
        select ctid from queue.bucket where minute < t - interval '8 days' order by minute limit p_limit for update skip locked));
    get diagnostics n = row_count;
    more := more or n >= p_limit;

    delete from queue.tick x
    where x.ctid = any (array(
        select ctid from queue.tick where fire_at < t - interval '35 days' order by fire_at limit p_limit for update skip locked));
    get diagnostics n = row_count;
    more := more or n >= p_limit;

    with over as (
        delete from queue.batch b
        where b.id = any (array(
            select x.id from queue.batch x
            where x.created_at < failed_before and coalesce(x.finished_at, x.created_at) < failed_before
                and (select true from queue.edge e where e.child = x.id limit 1) is null
            order by x.created_at limit 100 for update skip locked))
        returning b.id
    )
    delete from queue.batch_job m using over o where m.batch = o.id;

    delete from queue.bulk b
    where b.id = any (array(
        select id from queue.bulk where state <> 'running' and ended_at < failed_before limit p_limit for update skip locked));

    -- More than a year, so that the same month of the year before can still be looked up.
    delete from queue.audit a
    where a.id = any (array(
        select x.id from (select y.id, y.at from queue.audit y order by y.id limit p_limit) x where x.at < t - interval '400 days'));
    get diagnostics n = row_count;
    more := more or n >= p_limit;

    -- Ended processes stay as long as history may name them.
    delete from queue.process p
    where p.id = any (array(
        select id from queue.process where coalesce(dead_at, ended_at) < failed_before - interval '24 hours' for update skip locked));

    -- The ledger keeps 35 days, every row that a window can reach, and each key's last.
    for k in
        select l.id, least(
                t - interval '35 days',
                (select x.at from queue.permit_grant x where x.key = l.id order by x.at desc limit 1),
                t - 2 * coalesce((select max(w.period) from queue.limit_window w where w.key = l.id), '0')) as floor
        from queue.limit_key l order by l.id
    loop
        delete from queue.permit_grant g
        where g.key = k.id and g.at = any (array(
            select x.at from queue.permit_grant x where x.key = k.id and x.at < k.floor order by x.at limit p_limit));
        get diagnostics n = row_count;
        more := more or n >= p_limit;
    end loop;

    -- A key that no lane and no other key names, and that nobody has used for 35 days.
    for k in
        select l.id from queue.limit_key l
        where l.created_at < t - interval '35 days'
            and coalesce(l.parked_until < t, true) and l.open_until is null
            and (select true from queue.lane_key x where x.key = l.id limit 1) is null
            and (select true from queue.limit_key x where x.parent = l.id limit 1) is null
            and (select true from queue.permit_grant g where g.key = l.id and g.at >= t - interval '35 days' limit 1) is null
            and (select true from queue.settlement s where s.key = l.id limit 1) is null
            and (select true from queue.running r where r.key = l.id limit 1) is null
        order by l.id limit 1000 for update skip locked
    loop
        begin
            delete from queue.limit_key l where l.id = k.id;
            delete from queue.permit_grant g where g.key = k.id;
        exception when foreign_key_violation then null;  -- it has just been named
        end;
    end loop;
    return next;
end $$;
