-- Drops days of history past their time, and what belongs to their jobs. A day's partition is
-- dropped whole; the wait for its lock is short, and what could not be had now is had next time.
create function queue.prune_v1(p_done_days integer, p_failed_days integer)
returns table (partitions bigint, jobs bigint)
language plpgsql as $$
#variable_conflict use_column
declare
    part record;
    n bigint;
    dropped bigint := 0;
    gone bigint := 0;
begin
    perform set_config('lock_timeout', '100ms', true);
    for part in
        select c.relname as name, x.parent, to_date(right(c.relname, 8), 'YYYYMMDD') as day
        from (values ('done', p_done_days), ('failed', p_failed_days)) x(parent, days)
        join pg_inherits i on i.inhparent = format('queue.%I', x.parent)::regclass
        join pg_class c on c.oid = i.inhrelid
        where c.relname ~ '_\d{8}$' and to_date(right(c.relname, 8), 'YYYYMMDD') < current_date - x.days
        order by 3
    loop
        begin
            execute format('delete from queue.unique_key u using queue.%I d where d.unique_key is not null and u.kind = d.kind and u.key = d.unique_key and u.job = d.id', part.name);
            execute format('delete from queue.payload p using queue.%I d where p.job = d.id and d.args is null', part.name);
            execute format('insert into queue.delta (lane, kind, was, became, n) select lane, kind, %s, null, count(*) from queue.%I group by 1, 2, 3',
                case part.parent when 'done' then '''completed''' else 'state' end, part.name);
            execute format('select count(*) from queue.%I', part.name) into n;
            execute format('drop table queue.%I', part.name);
            dropped := dropped + 1;
            gone := gone + n;
        exception when lock_not_available then null;
        end;
    end loop;

    delete from queue.attempt a where a.ended_at < clock_timestamp() - p_failed_days * interval '1 day'
        and not exists (select from queue.failed f where f.id = a.job);
    delete from queue.bucket b where b.minute < clock_timestamp() - interval '8 days';
    delete from queue.tick t where t.fire_at < clock_timestamp() - interval '35 days';
    -- Ended processes stay as long as history may name them.
    delete from queue.process p where coalesce(p.dead_at, p.ended_at) < clock_timestamp() - (p_failed_days + 1) * interval '1 day';
    -- The ledger keeps 35 days, every row that a window can reach, and each key's last.
    delete from queue.permit_grant g
    where g.at < clock_timestamp() - interval '35 days'
        and g.at < (select max(x.at) from queue.permit_grant x where x.key = g.key)
        and g.at < clock_timestamp() - 2 * coalesce((select max(w.period) from queue.limit_window w where w.key = g.key), '0');
    return query select dropped, gone;
end $$;
