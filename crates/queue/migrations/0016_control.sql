-- Commands and lists that know jobs which wait for others, a function for every language, and what
-- the channel names of queues leave no room for.

-- A queue's channel is `queue_` and its name; `queue_cancel` tells that a job was called off.
alter table queue.queue add constraint queue_name_reserved check (name <> 'cancel') not valid;

-- Calls a job off. Returns the state it has now and whether the command applied; no row: no such
-- job. A running job is flagged, and its process told. Whoever waits for a job that is called off
-- hears of it as of any failure.
create or replace function queue.cancel_v1(p_job bigint, p_why text) returns table (state text, applied boolean)
language plpgsql as $$
#variable_conflict use_column
declare
    t timestamptz := clock_timestamp();
    was text;
    a queue.ready;
    s queue.scheduled;
    w queue.pending;
    f text;
begin
    for tries in 1 .. 20 loop
        was := null;
        select * into a from queue.take_ready(p_job);
        if found then
            was := 'available';
            insert into queue.failed (id, finished_at, state, error, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at)
            values (a.id, t, 'cancelled', p_why, a.lane, a.priority, a.kind, a.attempt, a.max_attempts, a.args, a.unique_key, a.holds, a.tags, a.parent, a.trace, a.created_at);
            delete from queue.unique_key u where u.kind = a.kind and u.key = a.unique_key and u.job = a.id;
            insert into queue.delta (lane, kind, was, became, n) values (a.lane, a.kind, was, 'cancelled', 1);
        end if;
        if was is null then
            delete from queue.scheduled x where x.id = p_job returning x.* into s;
            if found then
                was := case when s.retry then 'retryable' else 'scheduled' end;
                insert into queue.failed (id, finished_at, state, error, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at)
                values (s.id, t, 'cancelled', p_why, s.lane, s.priority, s.kind, s.attempt, s.max_attempts, s.args, s.unique_key, s.holds, s.tags, s.parent, s.trace, s.created_at);
                delete from queue.unique_key u where u.kind = s.kind and u.key = s.unique_key and u.job = s.id;
                insert into queue.delta (lane, kind, was, became, n) values (s.lane, s.kind, was, 'cancelled', 1);
            end if;
        end if;
        if was is null then
            delete from queue.pending x where x.id = p_job returning x.* into w;
            if found then
                was := 'pending';
                insert into queue.failed (id, finished_at, state, error, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at)
                values (w.id, t, 'cancelled', p_why, w.lane, w.priority, w.kind, 0, w.max_attempts, w.args, w.unique_key, w.holds, w.tags, w.parent, w.trace, w.created_at);
                delete from queue.unique_key u where u.kind = w.kind and u.key = w.unique_key and u.job = w.id;
                insert into queue.delta (lane, kind, was, became, n) values (w.lane, w.kind, was, 'cancelled', 1);
            end if;
        end if;
        if was is not null then
            perform from queue.edge e where e.parent = p_job limit 1;
            if found then
                perform queue.loosen(array[p_job], false);
            end if;
            return query select 'cancelled', true;
            return;
        end if;

        update queue.running x set cancel = true where x.id = p_job;
        if found then
            perform pg_notify('queue_cancel', '');
            return query select 'running', true;
            return;
        end if;
        select x.state into f from queue.failed x where x.id = p_job
        union all select 'completed' from queue.done x where x.id = p_job;
        if found then
            return query select f, false;
            return;
        end if;
        -- It was moving between two tables while we looked, or there is no such job.
        perform from queue.job j where j.id = p_job;
        exit when not found;
    end loop;
end $$;

-- Makes a job available now, with one more attempt if its attempts are spent; one that waits for
-- others waits no longer. Returns the state it has now and whether the command applied; no row: no
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
                if not found then  -- a newer job stands for the occasion
                    return query select f.state, false;
                    return;
                end if;
            end if;
            delete from queue.failed x where x.id = p_job;
            perform queue.rejoin(p_job, false);
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

-- Every job with its state: what people, the monitor and ad-hoc SQL read.
create or replace view queue.job as
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
from queue.failed f join queue.lane l on l.id = f.lane
union all
select w.id, 'pending', w.kind, l.queue, l.name, w.priority,
    0::smallint, w.max_attempts, coalesce(w.args, (select p.args from queue.payload p where p.job = w.id)),
    w.unique_key, w.tags, w.parent, w.trace, w.created_at, w.due_at, null, null, null, null, false, null, null
from queue.pending w join queue.lane l on l.id = w.lane;

-- The newest jobs with numbers in [p_floor, p_before) that fit. Each table yields its newest by an
-- index, so a page costs the same however many jobs there are; the settings hold the planner to
-- that, whatever the statistics say.
create or replace function queue.page_v1(
    p_state text, p_kind text, p_queue text, p_tag text, p_text text, p_from timestamptz, p_to timestamptz,
    p_before bigint, p_floor bigint, p_limit bigint
) returns setof queue.job
language plpgsql stable
set plan_cache_mode = force_generic_plan set enable_sort = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
    v_lanes integer[] := array(select l.id from queue.lane l where l.queue = p_queue);
begin
    return query
    select x.* from (
        (select r.id, case when o.open then 'available' else 'parked' end, r.kind, l.queue, l.name, r.priority,
            r.attempt, r.max_attempts, coalesce(r.args, (select p.args from queue.payload p where p.job = r.id)),
            r.unique_key, r.tags, r.parent, r.trace, r.created_at, null::timestamptz, null::timestamptz,
            null::timestamptz, null::uuid, r.error, false, null::text[], r.available_at
        from queue.lane l
        cross join lateral (select queue.lane_open(l.id) as open offset 0) o
        cross join generate_series(0, 9) pr
        cross join lateral (
            select * from queue.ready r
            where r.lane = l.id and r.priority = pr and r.id < p_before and r.id >= p_floor
                and queue.fits(p_kind, p_tag, p_text, p_from, p_to, r.kind, r.tags, r.created_at,
                    coalesce(r.args, (select p.args from queue.payload p where p.job = r.id)), r.unique_key, r.error)
            order by r.id desc limit p_limit
        ) r
        where coalesce(p_state in ('available', 'parked'), true)
            and (p_state is null or p_state = case when o.open then 'available' else 'parked' end)
            and (p_queue is null or l.queue = p_queue))
        union all
        (select s.id, case when s.retry then 'retryable' else 'scheduled' end, s.kind, l.queue, l.name, s.priority,
            s.attempt, s.max_attempts, coalesce(s.args, (select p.args from queue.payload p where p.job = s.id)),
            s.unique_key, s.tags, s.parent, s.trace, s.created_at, s.due_at, null, null, null, s.error, false, null, null
        from (
            select * from queue.scheduled s
            where coalesce(p_state in ('scheduled', 'retryable'), true) and s.id < p_before and s.id >= p_floor
                and (p_state is null or p_state = case when s.retry then 'retryable' else 'scheduled' end)
                and queue.fits(p_kind, p_tag, p_text, p_from, p_to, s.kind, s.tags, s.created_at,
                    coalesce(s.args, (select p.args from queue.payload p where p.job = s.id)), s.unique_key, s.error)
                and (p_queue is null or s.lane = any (v_lanes))
            order by s.id desc limit p_limit
        ) s join queue.lane l on l.id = s.lane)
        union all
        (select r.id, 'running', r.kind, l.queue, l.name, r.priority,
            r.attempt, r.max_attempts, coalesce(r.args, (select p.args from queue.payload p where p.job = r.id)),
            r.unique_key, r.tags, r.parent, r.trace, r.created_at, null, r.claimed_at, null, r.process, null, r.cancel, null, r.available_at
        from (
            select * from queue.running r
            where coalesce(p_state = 'running', true) and r.id < p_before and r.id >= p_floor
                and queue.fits(p_kind, p_tag, p_text, p_from, p_to, r.kind, r.tags, r.created_at,
                    coalesce(r.args, (select p.args from queue.payload p where p.job = r.id)), r.unique_key, null)
                and (p_queue is null or r.lane = any (v_lanes))
            order by r.id desc limit p_limit
        ) r join queue.lane l on l.id = r.lane)
        union all
        (select d.id, 'completed', d.kind, l.queue, l.name, d.priority,
            d.attempt, d.max_attempts, coalesce(d.args, (select p.args from queue.payload p where p.job = d.id)),
            d.unique_key, d.tags, d.parent, d.trace, d.created_at, null, d.claimed_at, d.finished_at, d.process, null, false, d.log, null
        from (
            select * from queue.done d
            where coalesce(p_state = 'completed', true) and d.id < p_before and d.id >= p_floor
                and queue.fits(p_kind, p_tag, p_text, p_from, p_to, d.kind, d.tags, d.created_at,
                    coalesce(d.args, (select p.args from queue.payload p where p.job = d.id)), d.unique_key, null)
                and (p_queue is null or d.lane = any (v_lanes))
            order by d.id desc limit p_limit
        ) d join queue.lane l on l.id = d.lane)
        union all
        (select f.id, f.state, f.kind, l.queue, l.name, f.priority,
            f.attempt, f.max_attempts, coalesce(f.args, (select p.args from queue.payload p where p.job = f.id)),
            f.unique_key, f.tags, f.parent, f.trace, f.created_at, null, null, f.finished_at, null, f.error, false, null, null
        from (
            select * from queue.failed f
            where coalesce(p_state in ('discarded', 'cancelled'), true) and f.id < p_before and f.id >= p_floor
                and (p_state is null or p_state = f.state)
                and queue.fits(p_kind, p_tag, p_text, p_from, p_to, f.kind, f.tags, f.created_at,
                    coalesce(f.args, (select p.args from queue.payload p where p.job = f.id)), f.unique_key, f.error)
                and (p_queue is null or f.lane = any (v_lanes))
            order by f.id desc limit p_limit
        ) f join queue.lane l on l.id = f.lane)
        union all
        (select w.id, 'pending', w.kind, l.queue, l.name, w.priority,
            0::smallint, w.max_attempts, coalesce(w.args, (select p.args from queue.payload p where p.job = w.id)),
            w.unique_key, w.tags, w.parent, w.trace, w.created_at, w.due_at, null, null, null, null, false, null, null
        from (
            select * from queue.pending w
            where coalesce(p_state = 'pending', true) and w.id < p_before and w.id >= p_floor
                and queue.fits(p_kind, p_tag, p_text, p_from, p_to, w.kind, w.tags, w.created_at,
                    coalesce(w.args, (select p.args from queue.payload p where p.job = w.id)), w.unique_key, null)
                and (p_queue is null or w.lane = any (v_lanes))
            order by w.id desc limit p_limit
        ) w join queue.lane l on l.id = w.lane)
    ) x
    order by 1 desc limit p_limit;
end $$;

-- The jobs that the attempts of these added, by the index of each table; read by one statement, so
-- that none is seen on its way.
create function queue.children_v1(p_parents bigint[]) returns table (parent bigint, id bigint, kind text, state text, error text)
language sql stable set enable_seqscan = off as $$
    select r.parent, r.id, r.kind, 'available', r.error from queue.ready r where r.parent = any (p_parents)
    union all
    select w.parent, w.id, w.kind, 'pending', null from queue.pending w where w.parent = any (p_parents)
    union all
    select s.parent, s.id, s.kind, case when s.retry then 'retryable' else 'scheduled' end, s.error
    from queue.scheduled s where s.parent = any (p_parents)
    union all
    select r.parent, r.id, r.kind, 'running', null from queue.running r where r.parent = any (p_parents)
    union all
    select d.parent, d.id, d.kind, 'completed', null from queue.done d where d.parent = any (p_parents)
    union all
    select f.parent, f.id, f.kind, f.state, f.error from queue.failed f where f.parent = any (p_parents)
$$;

-- Adds a job from any language, in the caller's transaction:
--
--     select id from queue.enqueue('welcome', '{"user": 7}', queue => 'mail');
--
-- A unique key that another job of the kind holds returns that job, and `duplicate`. `holds`: the key
-- keeps others out until the job is pruned, or until it is claimed. `after`: jobs that have to end
-- first; `on_failure`, should one of them not complete: cascade (cancel this one too), ignore, pause.
create function queue.enqueue(
    kind text, args jsonb default '{}', queue text default 'default', lane text default 'default',
    priority integer default 4, due_at timestamptz default null, unique_key text default null,
    max_attempts integer default 5, tags text[] default null, holds text default 'pruned',
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
    elsif coalesce(holds not in ('pruned', 'claimed'), true) then
        raise exception 'a unique key holds until the job is pruned or claimed, not %', holds using errcode = '22023';
    elsif coalesce(on_failure not in ('cascade', 'ignore', 'pause'), true) then
        raise exception 'on_failure is cascade, ignore or pause, not %', on_failure using errcode = '22023';
    end if;
    select e.id, e.duplicate into id, duplicate
    from queue.enqueue_v2(
        array[kind], array[queue], array[lane], array[args], array[priority::smallint], array[max_attempts::smallint],
        array[due_at], array[unique_key], array[holds], array[to_jsonb(tags)], array[parent], array[trace],
        array_fill(1, array[cardinality(after)]), after, array_fill(on_failure, array[cardinality(after)])) e;
end $$;
