-- Adding jobs, in the caller's transaction.

-- Notifies the idle processes of these queues that work has arrived. The notification has no payload, so that
-- the server folds repeats within a transaction.
create or replace function queue.wake(p_queues text[]) returns void
language sql as $$
    select pg_notify('queue_' || q, '')
    from unnest(p_queues) q
    where (select true from queue.process p
           where p.dead_at is null and p.ended_at is null and q = any (p.idle) limit 1)
$$;

-- Frees those of these unique keys that jobs of a detached partition still hold; locks them in sorted order.
create or replace function queue.free_detached_keys(p_kinds text[], p_keys text[]) returns boolean
language plpgsql set enable_seqscan = off set jit = off as $$
declare
    day text;
    freed bigint;
    any_ boolean := false;
begin
    for day in select name from queue.detached_partition where name like 'done%' order by name loop
        begin
            execute format($sql$
                with held as materialized (
                    select u.kind, u.key from queue.unique_key u
                    join (select distinct kind, key from unnest($1, $2) x(kind, key)) x on u.kind = x.kind and u.key = x.key
                    where exists (select from queue.%I d where d.id = u.job)
                    order by u.kind, u.key for update of u
                )
                delete from queue.unique_key u using held h where u.kind = h.kind and u.key = h.key
                $sql$, day) using p_kinds, p_keys;
            get diagnostics freed = row_count;
            any_ := any_ or freed > 0;
        exception when undefined_table then null;  -- the clearing has just dropped it
        end;
    end loop;
    return any_;
end $$;

-- Locks those of these jobs that are not claimed yet, until the end of the caller's transaction, and returns
-- them: claims skip them until then. A job that reads current state must not be claimed before a change that
-- it stands for is committed: it would not see the change.
create or replace function queue.hold_unclaimed(p_jobs bigint[]) returns setof bigint
language plpgsql set enable_seqscan = off set jit = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    return query
    select x.id from queue.lane l cross join generate_series(0, 9) p
    cross join lateral (
        select r.id from queue.ready r where r.lane = l.id and r.priority = p and r.id = any (p_jobs) for key share
    ) x;
    return query select s.id from queue.scheduled s where s.id = any (p_jobs) for key share;
    return query select w.id from queue.pending w where w.id = any (p_jobs) for key share;
end $$;

-- Brings scheduled jobs forward to the time that their duplicates ask for: a change made now must not wait
-- for a job planned for later. A job that waits for its retry keeps its backoff.
create or replace function queue.bring_forward(p_jobs bigint[], p_due timestamptz[]) returns void
language plpgsql set enable_seqscan = off set jit = off as $$
declare
    t timestamptz := clock_timestamp();
begin
    perform from queue.scheduled s where s.id = any (p_jobs) and not s.retry order by s.id for no key update;
    with sooner as (
        update queue.scheduled s set due_at = u.due
        from (select x.job, min(coalesce(x.due, t)) as due from unnest(p_jobs, p_due) x(job, due) group by 1) u
        where s.id = u.job and not s.retry and s.due_at > u.due
        returning s.lane
    )
    select queue.wake(array(select distinct l.queue from sooner s join queue.lane l on l.id = s.lane))
    from (select from sooner limit 1) x into t;
end $$;

-- One pass of `enqueue_all`: adds the jobs whose unique keys are free, and finds the holders of the other
-- keys. A job in neither result found its key taken and then free again. `p_waits`: the job has edges; null:
-- no job has.
create or replace function queue.add_jobs(
    p_kind text[], p_queue text[], p_lane text[], p_args jsonb[], p_priority smallint[],
    p_max_attempts smallint[], p_due_at timestamptz[], p_key text[], p_unique_until text[],
    p_tags jsonb[], p_parent bigint[], p_trace text[], p_waits boolean[],
    out added integer[], out added_ids bigint[], out taken integer[], out taken_ids bigint[])
language plpgsql as $$
#variable_conflict use_column
declare
    t timestamptz := clock_timestamp();
    claimable bigint[];
begin
    with input as materialized (
        select nextval('queue.job_id') as id, u.* from (
            -- unnest reads the arrays once; subscripting a long array reads it from the start each time
            select o.i::integer as i, l.id as lane, o.kind, o.args, o.priority, o.max_attempts, o.due_at, o.key, o.unique_until,
                case when o.tags is null then null else array(select jsonb_array_elements_text(o.tags)) end as tags,
                o.parent, o.trace, l.queue, pg_column_size(o.args) > 2048 as big, coalesce(o.waits, false) as waits
            from unnest(p_kind, p_queue, p_lane, p_args, p_priority, p_max_attempts, p_due_at, p_key, p_unique_until, p_tags, p_parent, p_trace, p_waits)
                with ordinality o(kind, queue, lane, args, priority, max_attempts, due_at, key, unique_until, tags, parent, trace, waits, i)
            join queue.lane l on l.queue = o.queue and l.name = o.lane
            order by o.i
        ) u
    ), keyed as (
        -- in sorted order, so that two bulk inserts cannot deadlock
        insert into queue.unique_key (kind, key, job, unique_until)
        select kind, key, id, unique_until from input where key is not null order by kind, key
        on conflict do nothing
        returning job
    ), fresh as materialized (
        select * from input where key is null or id in (select job from keyed)
    ), big as (
        insert into queue.payload (job, args) select id, args from fresh where big
    ), held as (
        insert into queue.pending (id, due_at, lane, priority, kind, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at)
        select id, due_at, lane, priority, kind, max_attempts, case when not big then args end, key,
            case when key is not null then unique_until end, tags, parent, trace, t
        from fresh where waits
    ), now as (
        insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at, available_at)
        select id, lane, priority, kind, 0, max_attempts, case when not big then args end, key,
            case when key is not null then unique_until end, tags, parent, trace, t, t
        from fresh where not waits and (due_at is null or due_at <= t)
    ), later as (
        insert into queue.scheduled (id, due_at, retry, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, tags, parent, trace, created_at)
        select id, due_at, false, lane, priority, kind, 0, max_attempts, case when not big then args end, key,
            case when key is not null then unique_until end, tags, parent, trace, t
        from fresh where not waits and due_at > t
    ), counted as (
        insert into queue.delta (lane, kind, was, became, n)
        select lane, kind, null, case when waits then 'pending' when due_at > t then 'scheduled' else 'available' end, count(*)
        from fresh group by 1, 2, 4
    ), woken as materialized (
        select queue.wake(array(select distinct queue from fresh)) from (select from fresh limit 1) x
    )
    select coalesce(array_agg(f.i), '{}'), coalesce(array_agg(f.id), '{}') into added, added_ids
    from fresh f, (select count(*) from woken) w;
    taken := '{}';
    taken_ids := '{}';
    if cardinality(added) = cardinality(p_kind) then
        return;
    end if;

    -- The snapshot of the statement above may be older than the commit that took a key; the snapshot of this
    -- statement is not. A holder that has released its key since, or that a claim is taking, is left out.
    select coalesce(array_agg(o.i), '{}'), coalesce(array_agg(k.job), '{}'), array_agg(k.job) filter (where k.unique_until = 'claimed')
    into taken, taken_ids, claimable
    from (select i from generate_subscripts(p_kind, 1) i except select i from unnest(added) i) o
    join queue.unique_key k on k.kind = p_kind[o.i] and k.key = p_key[o.i];
    if claimable is not null then
        claimable := array(select unnest(claimable) except select x from queue.hold_unclaimed(claimable) x);
        select coalesce(array_agg(u.i), '{}'), coalesce(array_agg(u.id), '{}') into taken, taken_ids
        from unnest(taken, taken_ids) u(i, id) where u.id <> all (claimable);
        perform queue.bring_forward(taken_ids, array(select p_due_at[i] from unnest(taken) with ordinality x(i, n) order by n));
    end if;
end $$;

-- Adds jobs in the caller's transaction. Returns one row for each, with its place in the input (`ord`): the
-- new job, or the job that holds the unique key. The job at place `p_edge_of` waits for `p_edge_parent`.
create or replace function queue.enqueue_all(
    p_kind text[], p_queue text[], p_lane text[], p_args jsonb[], p_priority smallint[],
    p_max_attempts smallint[], p_due_at timestamptz[], p_key text[], p_unique_until text[],
    p_tags jsonb[], p_parent bigint[], p_trace text[],
    p_edge_of integer[] default '{}', p_edge_parent bigint[] default '{}', p_edge_fail text[] default '{}'
) returns table (ord integer, id bigint, duplicate boolean)
language plpgsql as $$
#variable_conflict use_column
declare
    -- a pass over several jobs is rolled back as a whole: the next pass would lock keys out of order beside
    -- those it holds
    undone constant boolean := cardinality(p_kind) > 1 and num_nonnulls(variadic p_key) > 0;
    waits boolean[];
    failed boolean[];
    unknown bigint;
    x record;
begin
    if exists (select from unnest(p_due_at) d where not isfinite(d) or d >= '10000-01-01Z' or d < '0001-01-01Z') then
        raise exception 'due_at is a time of the years 1 to 9999' using errcode = '22023';
    end if;
    if cardinality(p_edge_of) > 0 then
        select min(p) into unknown from unnest(p_edge_parent) p, queue.job_id s where p < 1 or p > s.last_value;
        if unknown is not null then
            raise exception 'there is no job % to wait for', unknown using errcode = 'QU003', detail = unknown;
        end if;
        -- Parents that have ended need no edge; a parent that ends after this statement is found by
        -- `recheck_edges`.
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

    -- Keys that only jobs of a detached partition hold are free.
    if exists (select from queue.detached_partition) then
        perform queue.free_detached_keys(p_kind, p_key);
    end if;
    for tries in 1 .. 20 loop
        if undone then
            begin
                x := queue.add_jobs(p_kind, p_queue, p_lane, p_args, p_priority, p_max_attempts, p_due_at, p_key, p_unique_until, p_tags, p_parent, p_trace, waits);
                if cardinality(x.added) + cardinality(x.taken) < cardinality(p_kind) then
                    raise exception 'a key was given up' using errcode = 'QU004';
                end if;
            exception when sqlstate 'QU004' then continue;
            end;
        else
            x := queue.add_jobs(p_kind, p_queue, p_lane, p_args, p_priority, p_max_attempts, p_due_at, p_key, p_unique_until, p_tags, p_parent, p_trace, waits);
            continue when cardinality(x.added) + cardinality(x.taken) < cardinality(p_kind);
        end if;

        if waits is not null then
            insert into queue.edge (parent, child, on_failure)
            select distinct on (e.parent, u.id) e.parent, u.id, e.fail
            from unnest(p_edge_of, p_edge_parent, p_edge_fail) e(i, parent, fail) join unnest(x.added, x.added_ids) u(i, id) on u.i = e.i
            order by 1, 2, case e.fail when 'cascade' then 1 when 'pause' then 2 else 3 end;  -- named twice: the stricter rule holds
            insert into queue.edge_recheck (child)
            select distinct u.id from unnest(p_edge_of) e(i) join unnest(x.added, x.added_ids) u(i, id) on u.i = e.i;
            insert into queue.unblocked (child, failed)
            select u.id, min(e.parent) from unnest(p_edge_of, p_edge_parent, failed) e(i, parent, failed)
            join unnest(x.added, x.added_ids) u(i, id) on u.i = e.i where e.failed group by 1;
        end if;
        return query
        select u.i, u.id, false from unnest(x.added, x.added_ids) u(i, id)
        union all select u.i, u.id, true from unnest(x.taken, x.taken_ids) u(i, id);
        return;
    end loop;
    raise exception 'the holders of a unique key changed too often' using errcode = '40001', hint = 'try again';
end $$;

-- Adds a job from any language, in the caller's transaction:
--
--     select id from queue.enqueue('welcome', '{"user": 7}', queue => 'mail');
--
-- If another job of the kind holds the unique key, returns that job and `duplicate`. `unique_until`: the key
-- excludes other jobs until the job is pruned, or until it is claimed. `after`: jobs that have to end first;
-- null means none. `on_failure`, for a parent that does not complete: cascade (cancel this job too), ignore,
-- pause.
create or replace function queue.enqueue(
    kind text, args jsonb default '{}', queue text default 'default', lane text default 'default',
    priority integer default 4, due_at timestamptz default null, unique_key text default null,
    max_attempts integer default 5, tags text[] default null, unique_until text default 'pruned',
    parent bigint default null, trace text default null, after bigint[] default '{}', on_failure text default 'cascade',
    out id bigint, out duplicate boolean)
language plpgsql as $$
#variable_conflict use_variable
begin
    if kind is null or kind = '' or args is null or queue is null or lane is null then
        raise exception 'a job needs a kind, arguments, a queue and a lane' using errcode = '22023';
    elsif coalesce(priority not between 0 and 9, true) then
        raise exception 'priority is 0 (first) to 9 (last), not %', priority using errcode = '22023';
    elsif coalesce(max_attempts not between 1 and 25, true) then
        raise exception 'max_attempts is 1 to 25, not %', max_attempts using errcode = '22023';
    elsif coalesce(unique_until not in ('pruned', 'claimed'), true) then
        raise exception 'a unique key holds until the job is pruned or claimed, not %', unique_until using errcode = '22023';
    elsif coalesce(on_failure not in ('cascade', 'ignore', 'pause'), true) then
        raise exception 'on_failure is cascade, ignore or pause, not %', on_failure using errcode = '22023';
    end if;
    after := coalesce(after, '{}');
    select e.id, e.duplicate into id, duplicate
    from queue.enqueue_all(
        array[kind], array[queue], array[lane], array[args], array[priority::smallint], array[max_attempts::smallint],
        array[due_at], array[unique_key], array[unique_until], array[to_jsonb(tags)], array[parent], array[trace],
        array_fill(1, array[cardinality(after)]), after, array_fill(on_failure, array[cardinality(after)])) e;
end $$;
