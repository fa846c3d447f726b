alter table queue.scheduled reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay);
alter table queue.pending reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay);
alter table queue.edge reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay);
alter table queue.loosened reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay);
alter table queue.unchecked reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay);
alter table queue.delta reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay);
alter table queue.batch_delta reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay);
alter table queue.settlement reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay);
alter table queue.unique_key reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_cost_delay);
alter table queue.payload reset (autovacuum_vacuum_scale_factor);
alter table queue.attempt reset (autovacuum_vacuum_scale_factor);
alter table queue.event reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_cost_delay);
alter table queue.permit_grant reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor);
alter table queue.tally reset (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay);
alter table queue.bucket reset (fillfactor, autovacuum_vacuum_scale_factor);
alter table queue.limit_key reset (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay);
alter table queue.process reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay);
alter table queue.queue reset (fillfactor);
alter table queue.schedule reset (fillfactor);
alter table queue.batch reset (fillfactor, autovacuum_vacuum_scale_factor);

-- Drops a partition, and what belongs to its jobs. Returns how many there were; null: somebody is
-- using it, it is left for the next time.
create or replace function queue.drop_day_v1(p_name text) returns bigint
language plpgsql set lock_timeout = '100ms' as $$
declare
    n bigint;
begin
    -- Nobody may bring a job back from it any more; completions of today go on.
    execute format('lock table queue.%I in exclusive mode', p_name);
    execute format('delete from queue.unique_key u using queue.%I d where d.unique_key is not null and u.kind = d.kind and u.key = d.unique_key and u.job = d.id', p_name);
    execute format('delete from queue.payload p using queue.%I d where p.job = d.id and d.args is null', p_name);
    execute format('insert into queue.delta (lane, kind, was, became, n) select lane, kind, %s, null, count(*) from queue.%I group by 1, 2, 3',
        case when p_name like 'done%' then '''completed''' else 'state' end, p_name);
    execute format('select count(*) from queue.%I', p_name) into n;
    -- Last: from here to the commit the parent is locked.
    execute format('drop table queue.%I', p_name);
    return n;
exception when lock_not_available or undefined_table then
    return null;
end $$;

-- Removes what is not kept by days, and finished jobs that never had a day's partition. Returns how
-- many jobs.
create or replace function queue.prune_v1(p_done_days integer, p_failed_days integer) returns bigint
language plpgsql as $$
declare
    n bigint;
begin
    with gone as (
        delete from queue.done_default d where d.finished_at < statement_timestamp() - p_done_days * interval '24 hours'
        returning d.id, d.lane, d.kind, 'completed' as state, d.unique_key
    ), failed as (
        delete from queue.failed_default f where f.finished_at < statement_timestamp() - p_failed_days * interval '24 hours'
        returning f.id, f.lane, f.kind, f.state, f.unique_key
    ), both_ as (
        select * from gone union all select * from failed
    ), keys as (
        delete from queue.unique_key u using both_ b where u.kind = b.kind and u.key = b.unique_key and u.job = b.id
    ), payloads as (
        delete from queue.payload p using both_ b where p.job = b.id
    ), counted as (
        insert into queue.delta (lane, kind, was, became, n)
        select lane, kind, state, null, count(*) from both_ group by 1, 2, 3
    )
    select count(*) into n from both_;

    delete from queue.attempt a where a.ended_at < statement_timestamp() - p_failed_days * interval '24 hours'
        and not exists (select from queue.failed f where f.id = a.job);
    delete from queue.bucket b where b.minute < statement_timestamp() - interval '8 days';
    delete from queue.tick t where t.fire_at < statement_timestamp() - interval '35 days';
    -- Ended processes stay as long as history may name them.
    delete from queue.process p where coalesce(p.dead_at, p.ended_at) < statement_timestamp() - (p_failed_days + 1) * interval '24 hours';
    -- The ledger keeps 35 days, every row that a window can reach, and each key's last.
    delete from queue.permit_grant g
    where g.at < statement_timestamp() - interval '35 days'
        and g.at < (select max(x.at) from queue.permit_grant x where x.key = g.key)
        and g.at < statement_timestamp() - 2 * coalesce((select max(w.period) from queue.limit_window w where w.key = g.key), '0');
    return n;
end $$;

-- Makes sure that history has a partition for each of the next days (UTC). A day whose rows are in
-- the default partition already is left there. A new partition needs its parent for itself, so the
-- wait for it is short: what cannot be had now is had next time, days before it is needed.
create or replace function queue.partition_v1(p_days integer default 14) returns void
language plpgsql set lock_timeout = '100ms' as $$
declare
    today date := clock_timestamp() at time zone 'UTC';
    d date;
    t text;
begin
    for t in select unnest(array['done', 'failed']) loop
        for d in select generate_series(today, today + p_days, interval '1 day')::date loop
            if to_regclass(format('queue.%I', t || '_' || to_char(d, 'YYYYMMDD'))) is null then
                begin
                    execute format('create table queue.%I partition of queue.%I for values from (%L) to (%L)',
                        t || '_' || to_char(d, 'YYYYMMDD'), t, d || ' 00:00:00+00', (d + 1) || ' 00:00:00+00');
                exception when check_violation or duplicate_table or invalid_object_definition or lock_not_available then null;
                end;
            end if;
        end loop;
    end loop;
end $$;


drop function queue.prune_v2;
drop index queue.batch_created, queue.tick_fire_at, queue.attempt_ended;
