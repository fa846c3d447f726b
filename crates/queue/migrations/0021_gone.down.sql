-- What is being cleared is cleared to its end: the release before knows nothing of it.
do $$
declare
    day text;
begin
    for day in select name from queue.gone loop
        while (select more from queue.clear_day_v1(day)) loop
        end loop;
    end loop;
    if exists (select from queue.gone) then
        raise exception 'a day of history that is being cleared is in use; try again' using errcode = '55P03';
    end if;
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

drop function queue.clear_day_v1;
drop function queue.detach_day_v1;
drop table queue.gone;
