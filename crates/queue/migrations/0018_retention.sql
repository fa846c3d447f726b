-- What history costs: small steps that wait for nobody, and tables set up for how they are written.

-- What a partition is dropped with is found by the job, or by its age.
create index attempt_ended on queue.attempt (ended_at);
create index tick_fire_at on queue.tick (fire_at);
create index batch_created on queue.batch (created_at);

-- Makes sure that history has a partition for each of the next days (UTC). A day whose rows are in
-- the default partition already is left there. A table is made by itself and then attached: that
-- leaves writers of the other days alone, where making it in place would lock them all out. What
-- cannot be had at once is had next time, days before it is needed.
create or replace function queue.partition_v1(p_days integer default 14) returns void
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
                    when lock_not_available then return;  -- the next would wait as long
                end;
            end if;
        end loop;
    end loop;
end $$;

-- Removes what belongs to the jobs of a day that is over, and counts them out. The day's table is
-- closed to commands meanwhile; completions of today go on. Then drops the table, which needs its
-- parent for a moment. Returns how many jobs there were; null: somebody is using it, all is left for
-- the next time.
create or replace function queue.drop_day_v1(p_name text) returns bigint
language plpgsql set lock_timeout = '50ms' as $$
declare
    n bigint;
    keyed bigint;
    large bigint;
    state text := case when p_name like 'done%' then '''completed''' else 'state' end;
begin
    -- Nobody may bring a job back from it any more.
    execute format('lock table queue.%I in exclusive mode', p_name);
    -- One walk over the day tells what there is to remove.
    execute format('with counts as materialized (
            select lane, kind, %s as state, count(*) as n, count(unique_key) as keyed, count(*) filter (where args is null) as large
            from queue.%I group by 1, 2, 3
        ), told as (
            insert into queue.delta (lane, kind, was, became, n) select lane, kind, state, null, n from counts
        )
        select coalesce(sum(n), 0), coalesce(sum(keyed), 0), coalesce(sum(large), 0) from counts', state, p_name) into n, keyed, large;
    if keyed > 0 then
        execute format('delete from queue.unique_key u using queue.%I d where d.unique_key is not null and u.kind = d.kind and u.key = d.unique_key and u.job = d.id', p_name);
    end if;
    if large > 0 then
        execute format('delete from queue.payload p using queue.%I d where p.job = d.id and d.args is null', p_name);
    end if;
    execute format('delete from queue.attempt a using queue.%I d where a.job = d.id', p_name);
    execute format('delete from queue.batch_job m using queue.%I d where m.job = d.id', p_name);
    -- Children that were waiting for a retry wait in vain.
    execute format('with cut as (delete from queue.edge e using queue.%I d where e.parent = d.id returning e.parent, e.child)
        insert into queue.loosened (child, failed) select child, min(parent) from cut group by child', p_name);
    -- Last: from here to the commit the parent is locked.
    execute format('drop table queue.%I', p_name);
    return n;
exception when lock_not_available or undefined_table then
    return null;
end $$;

-- Removes up to `p_limit` rows of each sort that is not kept by days: finished jobs that never had a
-- day's table, attempts, minutes, ticks, processes, batches, ended commands, the audit of more than
-- 400 days ago, grants that no window can reach, and limit keys that nothing names. Returns how many jobs, and whether there is more. It skips what
-- somebody holds.
create function queue.prune_v2(p_done_days integer, p_failed_days integer, p_limit integer default 5000)
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
    ), cut as (
        delete from queue.edge e using both_ b where e.parent = b.id returning e.parent, e.child
    ), loose as (
        insert into queue.loosened (child, failed) select child, min(parent) from cut group by child
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

create or replace function queue.prune_v1(p_done_days integer, p_failed_days integer) returns bigint
language sql as $$ select jobs from queue.prune_v2(p_done_days, p_failed_days, 1000000) $$;

-- Rows come and go many times a second: vacuum after few of them, at once and unthrottled, so that the
-- next claim, release or fold does not walk over the dead.
alter table queue.scheduled  set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
alter table queue.pending    set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
alter table queue.edge       set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
alter table queue.loosened   set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
alter table queue.unchecked  set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
alter table queue.delta      set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
alter table queue.batch_delta set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
alter table queue.settlement set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
-- Large, and a part of it goes with each pruned day or each claim: often enough that it stays its size.
alter table queue.unique_key set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
alter table queue.payload    set (autovacuum_vacuum_scale_factor = 0.05);
alter table queue.attempt    set (autovacuum_vacuum_scale_factor = 0.05);
alter table queue.event      set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
alter table queue.permit_grant set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);
-- Rows that are rewritten in place find room on their own page: no index is touched, and the page is
-- cleaned by the next reader.
alter table queue.tally      set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
alter table queue.bucket     set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
alter table queue.limit_key  set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0);
alter table queue.process    set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0);
alter table queue.queue      set (fillfactor = 50);
alter table queue.schedule   set (fillfactor = 50);
alter table queue.batch      set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
-- ready and running were set when they were made: ready's rows are never updated, running's only to
-- call a job off. done and failed are written once and dropped by the day, so they keep the defaults.
