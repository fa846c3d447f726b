-- Creates the partitions of history for the next days (UTC). A day that already has rows in the default
-- partition stays there. A table is created by itself and then attached: created in place, it would lock out
-- writers of all days. A day whose lock cannot be had is tried again by the next call, days before it is
-- needed.
create or replace function queue.make_partitions(p_days integer default 14) returns void
language plpgsql set lock_timeout = '50ms' as $$
declare
    today date := clock_timestamp() at time zone 'UTC';
    d date;
    t text;
    day text;
begin
    foreach t in array array['done', 'failed'] loop
        for d in select generate_series(today, today + p_days, interval '1 day')::date loop
            day := t || '_' || to_char(d, 'YYYYMMDD');
            if to_regclass(format('queue.%I', day)) is null then
                begin
                    execute format('create table queue.%I (like queue.%I including defaults including constraints)', day, t);
                    execute format('alter table queue.%I attach partition queue.%I for values from (%L) to (%L)',
                        t, day, d || ' 00:00:00+00', (d + 1) || ' 00:00:00+00');
                exception
                    when check_violation or duplicate_table or unique_violation or invalid_object_definition then null;
                    when lock_not_available then return;  -- the next one would wait as long
                end;
            end if;
        end loop;
    end loop;
end $$;

-- Expired history is dropped by whole days; each step is a transaction of its own, so that no lock outlasts
-- it.

-- Partitions whose day (UTC) has expired, oldest first.
create or replace function queue.expired_days(p_done_days integer, p_failed_days integer) returns setof text
language sql stable as $$
    select c.relname
    from (values ('done', p_done_days), ('failed', p_failed_days)) x(parent, days)
    join pg_inherits i on i.inhparent = format('queue.%I', x.parent)::regclass
    join pg_class c on c.oid = i.inhrelid
    where c.relname ~ '_\d{8}$'
        and to_date(right(c.relname, 8), 'YYYYMMDD') < (statement_timestamp() at time zone 'UTC')::date - x.days
    order by right(c.relname, 8), 1
$$;

-- Detaches a day from history. Returns false if another transaction uses the parent table: its lock is waited
-- for 50 ms at most.
create or replace function queue.detach_day(p_name text) returns boolean
language plpgsql set lock_timeout = '50ms' as $$
begin
    insert into queue.detached_partition (name) values (p_name);
    execute format('alter table queue.%I detach partition queue.%I', split_part(p_name, '_', 1), p_name);
    return true;
exception when lock_not_available or undefined_table or unique_violation then
    return false;
end $$;

-- Clears the dependents of the jobs in the next `p_blocks` blocks of a detached partition, and subtracts the
-- jobs from the counts; after the last block, drops the table. Returns the number of jobs, and `more`. Both
-- are null if another process clears the partition or another transaction holds a lock: everything is left
-- for the next call. An interrupted clearing continues where it stopped: no block is cleared or counted
-- twice.
create or replace function queue.clear_day(p_name text, p_blocks integer default 128, out jobs bigint, out more boolean)
language plpgsql set lock_timeout = '100ms'
set enable_seqscan = off set jit = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    first bigint;
    blocks bigint := p_blocks;
begin
    select g.blocks into first from queue.detached_partition g where g.name = p_name for update skip locked;
    if not found then
        return;  -- another process clears it
    end if;
    if first >= pg_relation_size(format('queue.%I', p_name)) / current_setting('block_size')::bigint then
        execute format('drop table queue.%I', p_name);
        delete from queue.detached_partition g where g.name = p_name;
        jobs := 0;
        more := false;
        return;
    end if;
    -- Unique keys are deleted in sorted order, as inserters lock them: the two cannot deadlock. A table that
    -- is empty, as most are, is probed once instead of once for every job.
    execute format($sql$
        with gone as materialized (
            select id, lane, kind, unique_key, %s as state, args is null as large
            from queue.%I where ctid >= %L::tid and ctid < %L::tid
        ), keyed as materialized (
            select id, kind, unique_key from gone where unique_key is not null order by kind, unique_key
        ), keys as (
            delete from queue.unique_key u using keyed g where u.kind = g.kind and u.key = g.unique_key and u.job = g.id
        ), payloads as (
            delete from queue.payload p using gone g where g.large and p.job = g.id
        ), attempts as (
            delete from queue.attempt a using gone g where a.job = g.id and (select true from queue.attempt limit 1)
        ), members as (
            delete from queue.batch_job m using gone g where m.job = g.id and (select true from queue.batch_job limit 1)
        ), orphans as (
            -- children that were waiting for a retry are rechecked: their parent is no longer kept
            insert into queue.edge_recheck (child)
            select distinct e.child from queue.edge e join gone g on e.parent = g.id where (select true from queue.edge limit 1)
        ), forgotten as (
            delete from queue.cascaded_edge w using gone g where w.child = g.id and (select true from queue.cascaded_edge limit 1)
        ), counted as (
            insert into queue.delta (lane, kind, was, became, n)
            select lane, kind, state, null, count(*) from gone group by 1, 2, 3
        )
        select count(*) from gone
        $sql$,
        case when p_name like 'done%' then '''completed''' else 'state' end,
        p_name, format('(%s,0)', first), format('(%s,0)', first + blocks)) into jobs;
    update queue.detached_partition g set blocks = first + p_blocks where g.name = p_name;
    more := true;
exception when lock_not_available then
    jobs := null;
    more := null;
end $$;

-- Removes grants that no window can reach, and limit keys that no lane or key names. Returns true if there
-- may be more of them.
create or replace function queue.prune_ledger(p_at timestamptz, p_limit integer) returns boolean
language plpgsql set enable_seqscan = off set jit = off as $$
declare
    more boolean := false;
    n bigint;
    k record;
begin
    -- The ledger keeps 35 days, every row that a window can reach, and the last row of each key.
    for k in
        select l.id, least(
                p_at - interval '35 days',
                (select x.at from queue.permit_grant x where x.key = l.id order by x.at desc limit 1),
                p_at - 2 * coalesce((select max(w.period) from queue.limit_window w where w.key = l.id), '0')) as floor
        from queue.limit_key l order by l.id
    loop
        delete from queue.permit_grant g
        where g.key = k.id and g.at = any (array(
            select x.at from queue.permit_grant x where x.key = k.id and x.at < k.floor order by x.at limit p_limit));
        get diagnostics n = row_count;
        more := more or n >= p_limit;
    end loop;

    -- Keys that no lane and no other key names, unused for 35 days.
    for k in
        select l.id from queue.limit_key l
        where l.created_at < p_at - interval '35 days'
            and coalesce(l.parked_until < p_at, true) and l.open_until is null
            and (select true from queue.lane_key x where x.key = l.id limit 1) is null
            and (select true from queue.limit_key x where x.parent = l.id limit 1) is null
            and (select true from queue.permit_grant g where g.key = l.id and g.at >= p_at - interval '35 days' limit 1) is null
            and (select true from queue.settlement s where s.key = l.id limit 1) is null
            and (select true from queue.running r where r.key = l.id limit 1) is null
        order by l.id limit 1000 for update skip locked
    loop
        begin
            delete from queue.limit_key l where l.id = k.id;
            delete from queue.permit_grant g where g.key = k.id;
        exception when foreign_key_violation then null;  -- a lane or a key has just named it
        end;
    end loop;
    return more;
end $$;

-- Deletes up to `p_limit` rows of each kind of history that has no partitions by day: finished jobs of the
-- default partitions, attempts, buckets, ticks, processes, batches, ended bulk commands, audit entries older
-- than 400 days, grants that no window can reach, and limit keys that no lane or key names. Returns the
-- number of jobs, and `more`. Rows of history that another transaction holds are skipped; one that holds a
-- row of a deleted job for longer than 100 ms fails the call, which the caller repeats.
create or replace function queue.prune(p_done_days integer, p_failed_days integer, p_limit integer default 5000)
returns table (jobs bigint, more boolean)
language plpgsql set lock_timeout = '100ms' set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
    t timestamptz := statement_timestamp();
    failed_before timestamptz := t - p_failed_days * interval '24 hours';
    n bigint;
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
        insert into queue.edge_recheck (child) select distinct e.child from queue.edge e join both_ b on e.parent = b.id
    ), forgotten as (
        delete from queue.cascaded_edge w using both_ b where w.child = b.id
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
    ), members as (
        delete from queue.batch_job m using over o where m.batch = o.id
    )
    select count(*) into n from over;
    more := more or n >= 100;

    delete from queue.bulk b
    where b.id = any (array(
        select id from queue.bulk where state <> 'running' and ended_at < failed_before limit p_limit for update skip locked));
    get diagnostics n = row_count;
    more := more or n >= p_limit;

    -- More than a year, so that the same month of the previous year can still be looked up.
    delete from queue.audit a
    where a.id = any (array(
        select x.id from (select y.id, y.at from queue.audit y order by y.id limit p_limit) x where x.at < t - interval '400 days'));
    get diagnostics n = row_count;
    more := more or n >= p_limit;

    -- Ended processes are kept as long as history may name them.
    delete from queue.process p
    where p.id = any (array(
        select id from queue.process where coalesce(dead_at, ended_at) < failed_before - interval '24 hours' for update skip locked));

    more := queue.prune_ledger(t, p_limit) or more;
    return next;
end $$;

-- Folds deltas into buckets and the tally, one process at a time, and emits an event for each queue and kind
-- that moved.
create or replace function queue.fold() returns bigint
language plpgsql as $$
declare
    moved bigint;
begin
    if not pg_try_advisory_xact_lock(hashtext('queue.fold')) then
        return 0;
    end if;
    with taken as (
        delete from queue.delta returning *
    ), buckets as (
        insert into queue.bucket as b (minute, lane, kind, was, became, duration, n)
        select date_trunc('minute', at, 'UTC'), lane, kind, coalesce(was, ''), coalesce(became, ''), coalesce(duration, -1), sum(n)
        from taken group by 1, 2, 3, 4, 5, 6
        order by 1, 2, 3, 4, 5, 6
        on conflict (minute, lane, kind, was, became, duration) do update set n = b.n + excluded.n
    ), tallies as (
        insert into queue.tally as t (lane, kind, state, n)
        select lane, kind, state, sum(n) from (
            select lane, kind, became as state, n from taken where became is not null
            union all
            select lane, kind, was, -n from taken where was is not null
        ) x group by 1, 2, 3
        order by 1, 2, 3
        on conflict (lane, kind, state) do update set n = t.n + excluded.n
    ), events as (
        insert into queue.event (kind, subject)
        select 'job', l.queue || '/' || x.kind
        from (select distinct lane, kind from taken) x join queue.lane l on l.id = x.lane
    )
    select count(*) into moved from taken;
    return moved;
end $$;

-- Identifies the server and the table to which positions of events belong: a position is a transaction number
-- of one server.
create or replace function queue.epoch() returns text
language plpgsql stable as $$
declare
    place text := 'queue.event'::regclass::oid;
begin
    begin
        place := (select system_identifier from pg_control_system()) || '/' || place;
    exception when insufficient_privilege or undefined_function then null;  -- the server does not tell its identifier
    end;
    return left(md5(place), 8);
end $$;

-- Starts the positions of events over after a restore. Readers with positions of the previous epoch must read
-- everything again, waiting edges are rechecked, and the next claim parks every key as after a failover,
-- because calls made since the backup are not in the ledger. Returns true if there was a restore.
create or replace function queue.check_epoch() returns boolean
language plpgsql as $$
declare
    here text := queue.epoch();
    next_xid xid8 := pg_snapshot_xmax(pg_current_snapshot());
begin
    update queue.server s set epoch = here, timeline = null
    where s.epoch <> here
        or exists (select from queue.event_floor f where f.xid > next_xid)
        or (select e.xid from queue.event e order by e.xid desc limit 1) > next_xid;
    if not found then
        return false;
    end if;
    delete from queue.event;
    -- events of transactions under way now come after it
    update queue.event_floor set xid = pg_snapshot_xmin(pg_current_snapshot()), id = 0;
    update queue.edge_recheck set until = null, checks = 0, next_check_at = clock_timestamp();
    return true;
end $$;
