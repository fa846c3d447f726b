-- History past its time goes by whole days; each step is a transaction of its own, so that no lock
-- outlasts it.

-- The partitions whose day (UTC) is past its time, oldest first.
create function queue.expired_v1(p_done_days integer, p_failed_days integer) returns setof text
language sql stable as $$
    select c.relname
    from (values ('done', p_done_days), ('failed', p_failed_days)) x(parent, days)
    join pg_inherits i on i.inhparent = format('queue.%I', x.parent)::regclass
    join pg_class c on c.oid = i.inhrelid
    where c.relname ~ '_\d{8}$'
        and to_date(right(c.relname, 8), 'YYYYMMDD') < (statement_timestamp() at time zone 'UTC')::date - x.days
    order by right(c.relname, 8), 1
$$;

-- Drops a partition, and what belongs to its jobs. Returns how many there were; null: somebody is
-- using it, it is left for the next time.
create function queue.drop_day_v1(p_name text) returns bigint
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
create function queue.prune_v1(p_done_days integer, p_failed_days integer) returns bigint
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
