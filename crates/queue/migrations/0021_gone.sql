-- A day of history goes at once, however many jobs it holds: its table leaves history, and with that
-- its jobs are pruned and their unique keys free. What belongs to them (keys, arguments, attempts,
-- edges, their part of the counts) is cleared afterwards, a few thousand jobs in a step, and the table
-- is dropped last.

-- Days that have left history and are being cleared.
create table queue.gone (
    name    text        primary key,        -- of the day's table
    blocks  bigint      not null default 0, -- cleared so far
    gone_at timestamptz not null default clock_timestamp()
);

-- Takes a day out of history. That needs its parent for a moment, and gives up after 50 ms: false,
-- somebody is using it.
create function queue.detach_day_v1(p_name text) returns boolean
language plpgsql set lock_timeout = '50ms' as $$
begin
    insert into queue.gone (name) values (p_name);
    execute format('alter table queue.%I detach partition queue.%I', split_part(p_name, '_', 1), p_name);
    return true;
exception when lock_not_available or undefined_table or unique_violation then
    return false;
end $$;

-- Clears what belongs to the jobs in the next `p_blocks` blocks of a day that has left history, and
-- counts them out; after the last, drops its table. Returns how many jobs, and whether there is more;
-- null: somebody is in the way, all is left for the next time. Broken off anywhere it goes on from
-- there: nothing is cleared or counted twice.
create function queue.clear_day_v1(p_name text, p_blocks integer default 128, out jobs bigint, out more boolean)
language plpgsql set lock_timeout = '100ms'
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    first bigint;
    blocks bigint := p_blocks;
begin
    select g.blocks into first from queue.gone g where g.name = p_name for update skip locked;
    if not found then
        return;  -- somebody else is at it
    end if;
    if first >= pg_relation_size(format('queue.%I', p_name)) / current_setting('block_size')::bigint then
        execute format('drop table queue.%I', p_name);
        delete from queue.gone g where g.name = p_name;
        jobs := 0;
        more := false;
        return;
    end if;
    -- Keys go in their order, as those take them who add jobs: neither waits for the other in a ring.
    -- A table that is empty, as most are, is asked once and not for every job.
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
            -- children that were waiting for a retry wait in vain: whoever looks at them finds that
            insert into queue.unchecked (child)
            select distinct e.child from queue.edge e join gone g on e.parent = g.id where (select true from queue.edge limit 1)
        ), forgotten as (
            delete from queue.waited w using gone g where w.child = g.id and (select true from queue.waited limit 1)
        ), counted as (
            insert into queue.delta (lane, kind, was, became, n)
            select lane, kind, state, null, count(*) from gone group by 1, 2, 3
        )
        select count(*) from gone
        $sql$,
        case when p_name like 'done%' then '''completed''' else 'state' end,
        p_name, format('(%s,0)', first), format('(%s,0)', first + blocks)) into jobs;
    update queue.gone g set blocks = first + p_blocks where g.name = p_name;
    more := true;
exception when lock_not_available then
    jobs := null;
    more := null;
end $$;

-- For the release before: a whole day in one transaction. Returns how many jobs there were; null:
-- somebody is using it, all is left for the next time.
create or replace function queue.drop_day_v1(p_name text) returns bigint
language plpgsql set lock_timeout = '50ms' as $$
declare
    n bigint := 0;
    step record;
begin
    if not queue.detach_day_v1(p_name) then
        return null;
    end if;
    loop
        select * into step from queue.clear_day_v1(p_name);
        if step.more is null then
            raise lock_not_available;
        end if;
        n := n + step.jobs;
        exit when not step.more;
    end loop;
    return n;
exception when lock_not_available then
    return null;
end $$;
