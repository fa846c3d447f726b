insert into bar (symbol, day, revision, open, high, low, close, volume, provider)
select $1, given.day, coalesce(known.revision, 0) + 1,
       given.open, given.high, given.low, given.close, given.volume, $2
from (
    -- rounded as the columns round, or a seventh decimal would be a correction for ever
    select day, open::numeric(20,6), high::numeric(20,6), low::numeric(20,6),
           close::numeric(20,6), volume
    from unnest($3::date[], $4::numeric[], $5::numeric[], $6::numeric[], $7::numeric[], $8::bigint[])
        as given (day, open, high, low, close, volume)
) as given
left join lateral (
    select * from bar
    where bar.symbol = $1 and bar.day = given.day
    order by bar.revision desc limit 1
) as known on true
where (known.open, known.high, known.low, known.close, known.volume)
      is distinct from (given.open, given.high, given.low, given.close, given.volume)
order by given.day
on conflict do nothing
