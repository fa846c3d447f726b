-- Adds jobs, in the caller's transaction. One row comes back for each, in order: the new job, or
-- the one that holds the unique key.
create function queue.enqueue_v1(
    p_kind text[], p_queue text[], p_lane text[], p_args jsonb[], p_priority smallint[],
    p_max_attempts smallint[], p_due_at timestamptz[], p_key text[], p_holds text[],
    p_tags jsonb[], p_parent bigint[], p_trace text[]
) returns table (ord integer, id bigint, duplicate boolean)
language plpgsql as $$
#variable_conflict use_column
declare
    t timestamptz := clock_timestamp();
    rest integer[];
    won integer[];
    ids bigint[];
    tries integer := 0;
begin
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
                    o.parent, o.trace, l.queue, pg_column_size(o.args) > 2048 as big
                from unnest(p_kind, p_queue, p_lane, p_args, p_priority, p_max_attempts, p_due_at, p_key, p_holds, p_tags, p_parent, p_trace)
                    with ordinality o(kind, queue, lane, args, priority, max_attempts, due_at, key, holds, tags, parent, trace, i)
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
        ), now as (
            insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, available_at)
            select id, lane, priority, kind, 0, max_attempts, case when not big then args end, key,
                case when key is not null then holds end, tags, parent, trace, t, t
            from fresh where due_at is null or due_at <= t
        ), later as (
            insert into queue.scheduled (id, due_at, retry, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at)
            select id, due_at, false, lane, priority, kind, 0, max_attempts, case when not big then args end, key,
                case when key is not null then holds end, tags, parent, trace, t
            from fresh where due_at > t
        ), counted as (
            insert into queue.delta (lane, kind, was, became, n)
            select lane, kind, null, case when due_at > t then 'scheduled' else 'available' end, count(*)
            from fresh group by 1, 2, 4
        ), woken as materialized (
            select queue.wake(array(select distinct queue from fresh)) from (select from fresh limit 1) x
        )
        select array_agg(f.i), array_agg(f.id) into won, ids
        from fresh f, (select count(*) from woken) w;

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
