-- Whose lease is lost writes nothing, and who is dead is found one by one.

-- Ends the caller's transaction, whatever the caller makes of it: an attempt that has lost its job has
-- no effect.
create function queue.refuse_v1(p_job bigint) returns void
language plpgsql as $$
begin
    raise exception 'the lease on job % was lost', p_job using errcode = 'QU002';
end $$;

-- Marks these processes dead and takes every running row whose process is missing, dead or gone.
-- Returns how many jobs it took. Nobody knows whether a lost attempt made its call: it is taken to
-- have made one that used all it reserved, and that may be under way until its timeout has passed.
--
-- What cannot be had at once is left for the next sweep: the handler of a process that was taken for
-- dead may still be writing, hold the unique key that its job takes back, and want the job's row.
create or replace function queue.rescue_v2(p_dead uuid[]) returns integer
language plpgsql set lock_timeout = '20ms' as $$
declare
    t timestamptz := clock_timestamp();
    x record;
    r queue.running;
    n integer := 0;
begin
    -- One whose row is held is left for the next sweep, and keeps no other from being rescued.
    update queue.process p set dead_at = clock_timestamp()
    where p.id = any (array(
        select id from queue.process where id = any (p_dead) and dead_at is null and ended_at is null order by id for update skip locked));
    for x in
        select y.id, y.process, y.lease,
            case when p.ended_at is null then coalesce(p.beat_at, y.claimed_at) + k.call_timeout end as until
        from queue.running y
        left join queue.process p on p.id = y.process
        left join queue.limit_key k on k.id = y.key
        where p.id is null or p.dead_at is not null or p.ended_at is not null
        order by random() limit 1000  -- so that those which cannot be had do not hide the others
    loop
        exit when clock_timestamp() > t + interval '2 seconds';
        begin
            delete from queue.running y
            where y.id = (
                select z.id from queue.running z
                where z.id = x.id and z.process = x.process and z.lease = x.lease for update skip locked)
            returning y.* into r;
            if found then
                perform queue.end_attempt_v2(r, 'lost', 'the worker died or was cut off', null, null, true, false, null, null, false, x.until);
                n := n + 1;
            end if;
        exception when lock_not_available then null;
        end;
    end loop;
    return n;
end $$;
