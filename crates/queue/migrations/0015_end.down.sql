create or replace function queue.complete_v1(p_process uuid, p_jobs bigint[], p_leases bigint[], p_used boolean[], p_logs jsonb[])
returns setof bigint
language plpgsql set enable_seqscan = off as $$
declare
    t timestamptz := clock_timestamp();
    won bigint[];
    freed integer[];
begin
    with gone as (
        delete from queue.running r
        using unnest(p_jobs, p_leases, p_used, p_logs) u(job, lease, used, log)
        where r.id = u.job and r.process = p_process and r.lease = u.lease
        returning r.*, u.used, u.log
    ), kept as (
        insert into queue.done (id, finished_at, process, claimed_at, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at, log)
        select id, t, process, claimed_at, lane, priority, kind, attempt, max_attempts, args, unique_key, holds, tags, parent, trace, created_at,
            case when log is not null then array(select jsonb_array_elements_text(log)) end
        from gone
    ), settled as (
        insert into queue.settlement (key, at, requests)
        select g.key, t, 1 from gone g join queue.limit_key k on k.id = g.key and k.counts = 'finish' where g.used
    ), counted as (
        insert into queue.delta (lane, kind, was, became, duration, n)
        select lane, kind, 'running', 'completed', queue.duration_class(t - claimed_at), count(*) from gone group by 1, 2, 5
    )
    select array_agg(id), array_agg(distinct key) filter (where key is not null) into won, freed from gone;
    -- a freed place among the calls in flight may be what somebody waits for
    perform queue.wake_key(x) from unnest(freed) x;
    return query select unnest(won);
end $$;

create or replace function queue.fail_v1(p_process uuid, p_job bigint, p_lease bigint, p_outcome text, p_error text, p_delay interval, p_log text[], p_used boolean)
returns text
language plpgsql as $$
declare
    r queue.running;
begin
    delete from queue.running x where x.id = p_job and x.process = p_process and x.lease = p_lease returning x.* into r;
    if not found then
        return null;
    end if;
    return queue.end_attempt(r, p_outcome, p_error, p_delay, p_log, p_used);
end $$;

create or replace function queue.rescue_v1(p_dead uuid[]) returns integer
language plpgsql as $$
declare
    r queue.running;
    n integer := 0;
begin
    update queue.process p set dead_at = clock_timestamp()
    where p.id = any (array(select id from queue.process where id = any (p_dead) and dead_at is null and ended_at is null order by id for update));
    for r in
        delete from queue.running x
        where x.id = any (array(
            select x.id from queue.running x left join queue.process p on p.id = x.process
            where p.id is null or p.dead_at is not null or p.ended_at is not null
            order by x.id for update of x skip locked limit 1000))
        returning x.*
    loop
        perform queue.end_attempt(r, 'lost', 'the worker died or was cut off', null, null, true);
        n := n + 1;
    end loop;
    return n;
end $$;

drop function queue.rescue_v2;
drop function queue.fail_v2;
drop function queue.end_attempt_v2;
drop function queue.complete_v2;
drop function queue.settle_v1;
