-- The only downgrade: drops everything but the record of migrations, which is emptied. Dropping a function
-- that the view needs drops the view too.
do $$
declare
    x record;
begin
    for x in select p.oid from pg_proc p where p.pronamespace = 'queue'::regnamespace loop
        if exists (select from pg_proc p where p.oid = x.oid) then
            execute format('drop routine %s cascade', x.oid::regprocedure);
        end if;
    end loop;
    for x in
        select c.oid, c.relkind from pg_class c
        where c.relnamespace = 'queue'::regnamespace and c.relkind in ('r', 'p', 'v', 'S', 'c') and c.relname <> 'migration'
        order by c.relkind = 'S'  -- sequences of identity columns go with their tables
    loop
        if exists (select from pg_class c where c.oid = x.oid) then
            execute format('drop %s %s cascade',
                case x.relkind when 'v' then 'view' when 'S' then 'sequence' when 'c' then 'type' else 'table' end, x.oid::regclass);
        end if;
    end loop;
    if to_regclass('queue.migration') is not null then
        delete from queue.migration;
    end if;
end $$;
