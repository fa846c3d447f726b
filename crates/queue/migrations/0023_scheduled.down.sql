alter table queue.scheduled drop constraint scheduled_priority_check;

-- Adds a job from any language, in the caller's transaction:
--
--     select id from queue.enqueue('welcome', '{"user": 7}', queue => 'mail');
--
-- A unique key that another job of the kind holds returns that job, and `duplicate`. `holds`: the key
-- keeps others out until the job is pruned, or until it is claimed. `after`: jobs that have to end
-- first; `on_failure`, should one of them not complete: cascade (cancel this one too), ignore, pause.
create or replace function queue.enqueue(
    kind text, args jsonb default '{}', queue text default 'default', lane text default 'default',
    priority integer default 4, due_at timestamptz default null, unique_key text default null,
    max_attempts integer default 5, tags text[] default null, holds text default 'pruned',
    parent bigint default null, trace text default null, after bigint[] default '{}', on_failure text default 'cascade',
    out id bigint, out duplicate boolean)
language plpgsql as $$
#variable_conflict use_variable
begin
    if kind is null or kind = '' or args is null or queue is null or lane is null then
        raise exception 'a job needs a kind, arguments, a queue and a lane' using errcode = '22023';
    elsif coalesce(priority not between 0 and 9, true) then
        raise exception 'priority is 0 (first) to 9 (last), not %', priority using errcode = '22023';
    elsif coalesce(max_attempts not between 1 and 25, true) then
        raise exception 'max_attempts is 1 to 25, not %', max_attempts using errcode = '22023';
    elsif coalesce(holds not in ('pruned', 'claimed'), true) then
        raise exception 'a unique key holds until the job is pruned or claimed, not %', holds using errcode = '22023';
    elsif coalesce(on_failure not in ('cascade', 'ignore', 'pause'), true) then
        raise exception 'on_failure is cascade, ignore or pause, not %', on_failure using errcode = '22023';
    end if;
    select e.id, e.duplicate into id, duplicate
    from queue.enqueue_v2(
        array[kind], array[queue], array[lane], array[args], array[priority::smallint], array[max_attempts::smallint],
        array[due_at], array[unique_key], array[holds], array[to_jsonb(tags)], array[parent], array[trace],
        array_fill(1, array[cardinality(after)]), after, array_fill(on_failure, array[cardinality(after)])) e;
end $$;
