-- A key is free from the moment its holder is pruned, although it is cleared away later; and a job that
-- is named again is not claimed before whoever names it has committed.

-- Frees those of these unique keys that jobs of a day that is gone still hold. Returns whether there
-- were any.
create function queue.free_gone(p_kinds text[], p_keys text[]) returns boolean
language plpgsql set enable_seqscan = off as $$
declare
    day text;
    freed bigint;
    any_ boolean := false;
begin
    for day in select name from queue.gone where name like 'done%' loop
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
        exception when undefined_table then null;  -- it has just been cleared
        end;
    end loop;
    return any_;
end $$;

-- Holds those of these jobs that still wait to be claimed where they are, until the end of the
-- caller's transaction, and returns them: whoever claims takes no notice of them until then. A job
-- that reads current state and stands for a change too must not read it before that is committed.
create function queue.keep_waiting(p_jobs bigint[]) returns setof bigint
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    return query
    select x.id from queue.lane l cross join generate_series(0, 9) p
    cross join lateral (
        select r.id from queue.ready r where r.lane = l.id and r.priority = p and r.id = any (p_jobs) for key share
    ) x;
    return query select s.id from queue.scheduled s where s.id = any (p_jobs) for key share;
    return query select w.id from queue.pending w where w.id = any (p_jobs) for key share;
end $$;

-- Adds jobs, in the caller's transaction. One row comes back for each, in order: the new job, or
-- the one that holds the unique key. The job at place `p_edge_of` waits for `p_edge_parent`.
create or replace function queue.enqueue_v2(
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
    claimable bigint[];
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

        -- What only a pruned job holds is free.
        continue when exists (select from queue.gone)
            and queue.free_gone(array(select p_kind[i] from unnest(rest) i), array(select p_key[i] from unnest(rest) i));

        -- The snapshot of the statement above cannot see the winner; this one can. A winner that has
        -- given its key up meanwhile, or is about to, leaves its place to another try.
        select array_agg(o.i), array_agg(k.job), array_agg(k.job) filter (where k.holds = 'claimed') into won, ids, claimable
        from unnest(rest) o(i) join queue.unique_key k on k.kind = p_kind[o.i] and k.key = p_key[o.i];
        if claimable is not null then
            claimable := array(select unnest(claimable) except select x from queue.keep_waiting(claimable) x);
            select array_agg(u.i), array_agg(u.id) into won, ids from unnest(won, ids) u(i, id) where u.id <> all (claimable);
        end if;
        return query select u.i, u.id, true from unnest(won, ids) u(i, id);
        exit when cardinality(won) = cardinality(rest);
        rest := array(select i from unnest(rest) i except select i from unnest(won) i);
    end loop;
end $$;

-- Makes a job available now, with one more attempt if its attempts are spent; one that waits for
-- others waits no longer. One that was called off while it waited waits again for those of them that
-- are going to run: a flow that is retried as a whole keeps its order. Returns the state it has now and whether the command applied; no row: no
-- such job.
create or replace function queue.retry_v1(p_job bigint) returns table (state text, applied boolean)
language plpgsql as $$
#variable_conflict use_column
declare
    t timestamptz := clock_timestamp();
    was text;
    j record;
    f queue.failed;
    s queue.scheduled;
    w queue.pending;
    d queue.done;
begin
    for tries in 1 .. 20 loop
        was := null;
        delete from queue.scheduled x where x.id = p_job returning x.* into s;
        if found then
            was := case when s.retry then 'retryable' else 'scheduled' end;
            insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, available_at, error)
            values (s.id, s.lane, s.priority, s.kind, s.attempt, s.max_attempts, s.args, s.unique_key, s.holds, s.tags, s.parent, s.trace, s.created_at, t, s.error);
            insert into queue.delta (lane, kind, was, became, n) values (s.lane, s.kind, was, 'available', 1);
            perform queue.wake(array(select queue from queue.lane where id = s.lane));
            return query select 'available', true;
            return;
        end if;

        delete from queue.pending x where x.id = p_job returning x.* into w;
        if found then
            -- Its edges go with the parents; nobody moves a child that is not pending.
            insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, available_at)
            values (w.id, w.lane, w.priority, w.kind, 0, w.max_attempts, w.args, w.unique_key, w.holds, w.tags, w.parent, w.trace, w.created_at, t);
            insert into queue.delta (lane, kind, was, became, n) values (w.lane, w.kind, 'pending', 'available', 1);
            perform queue.wake(array(select queue from queue.lane where id = w.lane));
            return query select 'available', true;
            return;
        end if;

        select x.* into f from queue.failed x where x.id = p_job for update;
        if found then
            if f.unique_key is not null then
                insert into queue.unique_key (kind, key, job, holds) values (f.kind, f.unique_key, f.id, f.holds) on conflict do nothing;
                perform from queue.unique_key u where u.kind = f.kind and u.key = f.unique_key and u.job = f.id;
                if not found then
                    continue when queue.free_gone(array[f.kind], array[f.unique_key]);
                    -- a newer job stands for the occasion
                    return query select f.state, false;
                    return;
                end if;
            end if;
            delete from queue.failed x where x.id = p_job;
            perform queue.rejoin(p_job, false);
            if f.state = 'cancelled' and f.attempt = 0 and queue.waits_again(p_job) then
                insert into queue.pending (id, lane, priority, kind, max_attempts, args, unique_key, holds, tags, parent, trace, created_at)
                values (f.id, f.lane, f.priority, f.kind, f.max_attempts, f.args, f.unique_key, f.holds, f.tags, f.parent, f.trace, f.created_at);
                insert into queue.delta (lane, kind, was, became, n) values (f.lane, f.kind, f.state, 'pending', 1);
                return query select 'pending', true;
                return;
            end if;
            insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, available_at, error)
            values (f.id, f.lane, f.priority, f.kind, f.attempt, greatest(f.max_attempts, f.attempt + 1), f.args, f.unique_key, f.holds, f.tags, f.parent, f.trace, f.created_at, t, f.error);
            insert into queue.delta (lane, kind, was, became, n) values (f.lane, f.kind, f.state, 'available', 1);
            perform queue.wake(array(select queue from queue.lane where id = f.lane));
            return query select 'available', true;
            return;
        end if;

        select x.* into d from queue.done x where x.id = p_job for update;
        if found then
            if d.holds = 'claimed' then
                insert into queue.unique_key (kind, key, job, holds) values (d.kind, d.unique_key, d.id, d.holds) on conflict do nothing;
                perform from queue.unique_key u where u.kind = d.kind and u.key = d.unique_key and u.job = d.id;
                if not found then
                    return query select 'completed', false;
                    return;
                end if;
            end if;
            delete from queue.done x where x.id = p_job;
            perform queue.rejoin(p_job, true);
            insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, available_at)
            values (d.id, d.lane, d.priority, d.kind, d.attempt, greatest(d.max_attempts, d.attempt + 1), d.args, d.unique_key, d.holds, d.tags, d.parent, d.trace, d.created_at, t);
            insert into queue.attempt (job, number, process, started_at, ended_at, outcome, error, log)
            values (d.id, d.attempt, d.process, d.claimed_at, d.finished_at, 'completed', null, d.log);
            insert into queue.delta (lane, kind, was, became, n) values (d.lane, d.kind, 'completed', 'available', 1);
            perform queue.wake(array(select queue from queue.lane where id = d.lane));
            return query select 'available', true;
            return;
        end if;

        select x.state into j from queue.job x where x.id = p_job;
        exit when not found;
        if j.state in ('available', 'parked', 'running') then
            return query select j.state, false;
            return;
        end if;
    end loop;
end $$;
