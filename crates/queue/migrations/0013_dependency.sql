-- A job that waits for other jobs. Once it waits for none it moves to where it is claimed.
create table queue.pending (
    id           bigint      primary key,
    due_at       timestamptz,  -- not before this time even then
    lane         integer     not null,
    priority     smallint    not null check (priority between 0 and 9),
    kind         text        not null,
    max_attempts smallint    not null,
    args         jsonb,
    unique_key   text,
    holds        text,
    tags         text[],
    parent       bigint,
    trace        text,
    created_at   timestamptz not null
);

-- One job waits for another. The end of the other deletes the row in its own transaction: no
-- counter, so nobody waits for anybody.
create table queue.edge (
    parent     bigint not null,  -- is waited for
    child      bigint not null,  -- waits
    on_failure text   not null check (on_failure in (
        'cascade',  -- the child is cancelled when the parent ends without having completed
        'ignore',   -- the child goes on, as if it had
        'pause'     -- the edge stays: the child waits until somebody retries the parent, or the child itself
    )),

    primary key (parent, child)
);

create index edge_child on queue.edge (child);

-- A child that lost an edge, written in the transaction that deleted the edge and taken by the one
-- that moves the child after the commit. What is still here belongs to somebody who died in between.
create table queue.loosened (
    id     bigint generated always as identity primary key,
    child  bigint not null,
    failed bigint  -- the parent whose failure cancels it
);

-- A child whose edges may lead to a parent that ended while they were being written: its end could
-- not see them. Looked at until every transaction that was under way then is over.
create table queue.unchecked (
    id      bigint      generated always as identity primary key,
    child   bigint      not null,
    until   xid8,       -- the first transaction that can have seen the edges; null: not looked at yet
    looks   smallint    not null default 0,
    look_at timestamptz not null default clock_timestamp()
);

create index unchecked_look_at on queue.unchecked (look_at);

-- Many jobs that somebody wants to see through as one. They are the parents of its job, whose
-- number is the batch's; where no job follows, the number stands for itself.
create table queue.batch (
    id          bigint      primary key default nextval('queue.job_id'),
    name        text        not null check (length(name) between 1 and 200),
    on_failure  text        not null check (on_failure in ('cascade', 'ignore', 'pause')),
    -- up to the last fold
    total       bigint      not null default 0,
    done        bigint      not null default 0,  -- have completed
    failed      bigint      not null default 0,  -- have ended otherwise
    created_at  timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);

create table queue.batch_job (
    job   bigint not null,
    batch bigint not null,

    primary key (job, batch)
);

create index batch_job_batch on queue.batch_job (batch, job);

-- What a statement did to a batch: appended, so that its jobs do not meet on one row.
create table queue.batch_delta (
    batch  bigint  not null,
    total  integer not null default 0,
    done   integer not null default 0,
    failed integer not null default 0
);

-- The way from a job to those that its attempts added.
create index ready_parent on queue.ready (parent) where parent is not null;
create index scheduled_parent on queue.scheduled (parent) where parent is not null;
create index running_parent on queue.running (parent) where parent is not null;
create index pending_parent on queue.pending (parent) where parent is not null;

-- Deletes what waits for jobs that have ended, in the transaction that ends them.
create function queue.loosen(p_jobs bigint[], p_completed boolean) returns void
language sql set enable_seqscan = off as $$
    with cut as (
        delete from queue.edge e
        where e.parent = any (p_jobs) and (p_completed or e.on_failure <> 'pause')
        returning e.parent, e.child, e.on_failure
    ), counted as (
        insert into queue.batch_delta (batch, done, failed)
        select b.id, count(*) filter (where p_completed), count(*) filter (where not p_completed)
        from cut c join queue.batch b on b.id = c.child group by 1
    )
    insert into queue.loosened (child, failed)
    select child, min(parent) filter (where not p_completed and on_failure = 'cascade') from cut group by child
$$;

-- Has batches wait again for a job that had ended and is retried, in the transaction that retries it.
create function queue.rejoin(p_job bigint, p_completed boolean) returns void
language sql set enable_seqscan = off as $$
    with back as (
        insert into queue.edge (parent, child, on_failure)
        select m.job, m.batch, b.on_failure from queue.batch_job m join queue.batch b on b.id = m.batch where m.job = p_job
        on conflict do nothing  -- it paused there, and was not counted
        returning child
    )
    insert into queue.batch_delta (batch, done, failed)
    select child, case when p_completed then -1 else 0 end, case when p_completed then 0 else -1 end from back
$$;

-- Moves the children that have lost their last edge to where they are claimed, and cancels those
-- whose parent failed. Of several that try at once, one wins each child: the deletion from pending
-- decides. Returns how many children it has dealt with.
create function queue.release_v1(p_limit integer default 1000) returns integer
language plpgsql set enable_seqscan = off as $$
declare
    t timestamptz := clock_timestamp();
    children bigint[];
    failures bigint[];
    gone bigint[];
    held integer;
begin
    with taken as (
        delete from queue.loosened l
        where l.id = any (array(select id from queue.loosened order by id limit p_limit for update skip locked))
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
        insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, available_at)
        select id, lane, priority, kind, 0, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, t
        from moved where due_at is null or due_at <= t
    ), later as (
        insert into queue.scheduled (id, due_at, retry, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at)
        select id, due_at, false, lane, priority, kind, 0, max_attempts, args, unique_key, holds, tags, parent, trace, created_at
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
        insert into queue.failed (id, finished_at, state, error, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at)
        select d.id, t, 'cancelled', format('job %s, for which it waited, did not complete', u.failed), d.lane, d.priority, d.kind, 0, d.max_attempts,
            d.args, d.unique_key, d.holds, d.tags, d.parent, d.trace, d.created_at
        from dead d join unnest(children, failures) u(child, failed) on u.child = d.id
    ), keys as (
        delete from queue.unique_key u using dead d where u.kind = d.kind and u.key = d.unique_key and u.job = d.id
    ), counted as (
        insert into queue.delta (lane, kind, was, became, n)
        select lane, kind, 'pending', 'cancelled', count(*) from dead group by 1, 2
    )
    select array_agg(id) into gone from dead;
    if gone is not null then
        perform queue.loosen(gone, false);
    end if;

    -- A row that somebody held is left for the next time.
    insert into queue.loosened (child, failed)
    select u.child, u.failed
    from unnest(children, failures) u(child, failed) join queue.pending p on p.id = u.child
    where u.failed is not null or (select true from queue.edge e where e.child = p.id limit 1) is null;
    get diagnostics held = row_count;
    return cardinality(children) - held;
end $$;

-- Where jobs stand, read by one statement, so that none is seen on its way. An unknown number has no
-- row.
create function queue.states_v1(p_jobs bigint[]) returns table (id bigint, kind text, state text, error text)
language sql stable set enable_seqscan = off as $$
    with waiting as materialized (
        select r.id, r.kind, r.lane, r.error
        from queue.lane l
        cross join generate_series(0, 9) pr
        cross join lateral (
            select r.id, r.kind, r.lane, r.error from queue.ready r
            where r.lane = l.id and r.priority = pr and r.id = any (p_jobs)
        ) r
        -- a lane where nothing waits is not searched
        where (select true from queue.ready r where r.lane = l.id and r.priority = pr limit 1)
    ), open as materialized (
        select lane, queue.lane_open(lane) as is_open from (select distinct lane from waiting) x
    )
    select w.id, w.kind, case when o.is_open then 'available' else 'parked' end, w.error from waiting w join open o on o.lane = w.lane
    union all
    select p.id, p.kind, 'pending', null from queue.pending p where p.id = any (p_jobs)
    union all
    select s.id, s.kind, case when s.retry then 'retryable' else 'scheduled' end, s.error from queue.scheduled s where s.id = any (p_jobs)
    union all
    select r.id, r.kind, 'running', null from queue.running r where r.id = any (p_jobs)
    union all
    select d.id, d.kind, 'completed', null from queue.done d where d.id = any (p_jobs)
    union all
    select f.id, f.kind, f.state, f.error from queue.failed f where f.id = any (p_jobs)
$$;

-- Looks whether parents have ended before their edges could be seen, or are no longer kept: then
-- nobody knows how they ended, and a child that minds is cancelled. Returns how many it looked at.
create function queue.check_edges_v1(p_limit integer default 100) returns integer
language plpgsql set enable_seqscan = off as $$
declare
    t timestamptz := clock_timestamp();
    seen pg_snapshot := pg_current_snapshot();  -- before this transaction has a number of its own
    looked bigint[];
    children bigint[];
begin
    select array_agg(x.id), array_agg(distinct x.child) into looked, children from (
        select u.id, u.child from queue.unchecked u where u.look_at <= t order by u.look_at limit p_limit for update skip locked
    ) x;
    if looked is null then
        return 0;
    end if;

    with edge as materialized (
        -- an edge that somebody is deleting needs no look
        select e.parent, e.child, e.on_failure from queue.edge e where e.child = any (children) for update skip locked
    ), ended as materialized (
        select e.parent, e.child, e.on_failure, s.state
        from edge e left join queue.states_v1(array(select distinct parent from edge)) s on s.id = e.parent
        where s.state is null or s.state = 'completed' or s.state in ('discarded', 'cancelled') and e.on_failure <> 'pause'
    ), cut as (
        delete from queue.edge e using ended x where e.parent = x.parent and e.child = x.child
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

    delete from queue.unchecked u where u.id = any (looked) and coalesce(u.until, pg_snapshot_xmax(seen)) <= pg_snapshot_xmin(seen);
    update queue.unchecked u
    set until = coalesce(u.until, pg_snapshot_xmax(seen)), looks = least(u.looks + 1, 6),
        look_at = t + least(60, 2 ^ u.looks) * interval '1 second'
    where u.id = any (looked);
    return cardinality(looked);
end $$;

-- Adds jobs, in the caller's transaction. One row comes back for each, in order: the new job, or
-- the one that holds the unique key. The job at place `p_edge_of` waits for `p_edge_parent`.
create function queue.enqueue_v2(
    p_kind text[], p_queue text[], p_lane text[], p_args jsonb[], p_priority smallint[],
    p_max_attempts smallint[], p_due_at timestamptz[], p_key text[], p_holds text[],
    p_tags jsonb[], p_parent bigint[], p_trace text[],
    p_edge_of integer[] default '{}', p_edge_parent bigint[] default '{}', p_edge_fail text[] default '{}'
) returns table (ord integer, id bigint, duplicate boolean)
language plpgsql as $$
#variable_conflict use_column
declare
    t timestamptz := clock_timestamp();
    rest integer[];
    won integer[];
    ids bigint[];
    waits boolean[];
    failed boolean[];
    unknown bigint;
    tries integer := 0;
begin
    if cardinality(p_edge_of) > 0 then
        select min(p) into unknown from unnest(p_edge_parent) p, queue.job_id s where p < 1 or p > s.last_value;
        if unknown is not null then
            raise exception 'there is no job % to wait for', unknown using errcode = 'QU003';
        end if;
        -- Those that have ended are not waited for; whoever ends from here on is found by a later check.
        select array_agg(e.child), array_agg(e.parent), array_agg(e.fail), array_agg(s.completed is not null and e.fail = 'cascade')
        into p_edge_of, p_edge_parent, p_edge_fail, failed
        from unnest(p_edge_of, p_edge_parent, p_edge_fail) e(child, parent, fail)
        left join queue.ended(p_edge_parent) s on s.id = e.parent
        where s.completed is not true and (s.completed is null or e.fail <> 'ignore');
    end if;
    if cardinality(p_edge_of) > 0 then
        select array_agg(w.i is not null order by g.i) into waits
        from generate_subscripts(p_kind, 1) g(i) left join (select distinct i from unnest(p_edge_of) i) w on w.i = g.i;
    end if;

    insert into queue.queue (name)
    select distinct q from unnest(p_queue) q
    where not exists (select from queue.queue x where x.name = q)
    order by q on conflict do nothing;

    insert into queue.lane (queue, name)
    select distinct u.q, u.l from unnest(p_queue, p_lane) u(q, l)
    where not exists (select from queue.lane x where x.queue = u.q and x.name = u.l)
    order by 1, 2 on conflict do nothing;

    rest := array(select generate_subscripts(p_kind, 1));
    while cardinality(rest) > 0 loop
        tries := tries + 1;
        if tries > 20 then
            raise exception 'the holders of a unique key changed too often' using errcode = '40001';
        end if;

        with input as materialized (
            select nextval('queue.job_id') as id, u.* from (
                -- unnest walks the arrays once; a subscript of a long array walks it each time
                select o.i::integer as i, l.id as lane, o.kind, o.args, o.priority, o.max_attempts, o.due_at, o.key, o.holds,
                    case when o.tags is null then null else array(select jsonb_array_elements_text(o.tags)) end as tags,
                    o.parent, o.trace, l.queue, pg_column_size(o.args) > 2048 as big, coalesce(o.waits, false) as waits
                from unnest(p_kind, p_queue, p_lane, p_args, p_priority, p_max_attempts, p_due_at, p_key, p_holds, p_tags, p_parent, p_trace, waits)
                    with ordinality o(kind, queue, lane, args, priority, max_attempts, due_at, key, holds, tags, parent, trace, waits, i)
                join queue.lane l on l.queue = o.queue and l.name = o.lane
                where tries = 1 or o.i = any (rest)
                order by o.i
            ) u
        ), keyed as (
            -- in sorted order, so that two bulk inserts never wait for each other
            insert into queue.unique_key (kind, key, job, holds)
            select kind, key, id, holds from input where key is not null order by kind, key
            on conflict do nothing
            returning job
        ), fresh as materialized (
            select * from input where key is null or id in (select job from keyed)
        ), big as (
            insert into queue.payload (job, args) select id, args from fresh where big
        ), held as (
            insert into queue.pending (id, due_at, lane, priority, kind, max_attempts, args, unique_key, holds, tags, parent, trace, created_at)
            select id, due_at, lane, priority, kind, max_attempts, case when not big then args end, key,
                case when key is not null then holds end, tags, parent, trace, t
            from fresh where waits
        ), now as (
            insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, available_at)
            select id, lane, priority, kind, 0, max_attempts, case when not big then args end, key,
                case when key is not null then holds end, tags, parent, trace, t, t
            from fresh where not waits and (due_at is null or due_at <= t)
        ), later as (
            insert into queue.scheduled (id, due_at, retry, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at)
            select id, due_at, false, lane, priority, kind, 0, max_attempts, case when not big then args end, key,
                case when key is not null then holds end, tags, parent, trace, t
            from fresh where not waits and due_at > t
        ), counted as (
            insert into queue.delta (lane, kind, was, became, n)
            select lane, kind, null, case when waits then 'pending' when due_at > t then 'scheduled' else 'available' end, count(*)
            from fresh group by 1, 2, 4
        ), woken as materialized (
            select queue.wake(array(select distinct queue from fresh)) from (select from fresh limit 1) x
        )
        select array_agg(f.i), array_agg(f.id) into won, ids
        from fresh f, (select count(*) from woken) w;

        if waits is not null then
            insert into queue.edge (parent, child, on_failure)
            select distinct on (e.parent, u.id) e.parent, u.id, e.fail
            from unnest(p_edge_of, p_edge_parent, p_edge_fail) e(i, parent, fail) join unnest(won, ids) u(i, id) on u.i = e.i
            order by 1, 2, case e.fail when 'cascade' then 1 when 'pause' then 2 else 3 end;  -- named twice, the stricter word counts
            insert into queue.unchecked (child)
            select distinct u.id from unnest(p_edge_of) e(i) join unnest(won, ids) u(i, id) on u.i = e.i;
            insert into queue.loosened (child, failed)
            select u.id, min(e.parent) from unnest(p_edge_of, p_edge_parent, failed) e(i, parent, failed)
            join unnest(won, ids) u(i, id) on u.i = e.i where e.failed group by 1;
        end if;

        return query select u.i, u.id, false from unnest(won, ids) u(i, id);
        exit when cardinality(won) = cardinality(rest);
        rest := array(select i from unnest(rest) i except select i from unnest(won) i);

        -- The snapshot of the statement above cannot see the winner; this one can. A winner that has
        -- given its key up meanwhile leaves its place to another try.
        select array_agg(o.i), array_agg(k.job) into won, ids
        from unnest(rest) o(i) join queue.unique_key k on k.kind = p_kind[o.i] and k.key = p_key[o.i];
        return query select u.i, u.id, true from unnest(won, ids) u(i, id);
        exit when cardinality(won) = cardinality(rest);
        rest := array(select i from unnest(rest) i except select i from unnest(won) i);
    end loop;
end $$;

-- Which of these jobs have ended, and whether they completed.
create function queue.ended(p_jobs bigint[]) returns table (id bigint, completed boolean)
language sql stable set enable_seqscan = off as $$
    select d.id, true from queue.done d where d.id = any (p_jobs)
    union all
    select f.id, false from queue.failed f where f.id = any (p_jobs)
$$;

-- Puts jobs into a batch, in the transaction that adds them: those that have ended count at once.
create function queue.batch_add_v1(p_batch bigint, p_jobs bigint[]) returns void
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
    ), loose as (
        insert into queue.loosened (child, failed)
        select p_batch, min(job) from joined where not completed and fails = 'cascade' having count(*) > 0
    )
    insert into queue.batch_delta (batch, total, done, failed)
    select p_batch, count(*), count(*) filter (where completed), count(*) filter (where not completed and fails <> 'pause')
    from joined having count(*) > 0;
    insert into queue.unchecked (child) values (p_batch);
end $$;

-- Adds up what batches did; one process at a time. Returns how many rows it folded.
create function queue.fold_batches_v1() returns bigint
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
