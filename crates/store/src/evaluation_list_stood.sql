select s.symbol as "symbol: Word<Symbol>", o.day as "day!", s.at as "at!",
    greatest(
        (select q.first_seen_at from quote q where q.id = (s.inputs ->> 'quote')::bigint),
        (select min(b.first_seen_at) from bar b
         where b.symbol = s.symbol and b.day = (s.inputs -> 'bars' ->> 'through')::date),
        (select max(r.analyzed_at)
         from jsonb_array_elements(s.inputs -> 'clusters') story(body),
             jsonb_array_elements_text(story.body -> 'sentiments') read(id)
             join sentiment r on r.id = read.id::bigint),
        (select max(a.available_at)
         from jsonb_array_elements(s.inputs -> 'clusters') story(body),
             jsonb_array_elements_text(story.body -> 'articles') read(id)
             join article a on a.id = read.id::bigint)
    ) as available_at,
    s.label as "label!: Maybe<SignalLabel>", s.c, s.p, s.s as "s!"
from unnest($1::date[], $2::timestamptz[], $3::timestamptz[]) o(day, opens, since)
cross join instrument i
cross join lateral (
    select x.* from signal x
    where x.symbol = i.symbol and x.at >= o.since and x.at < o.opens and x.formula_version = $4
    order by x.at desc, x.id desc limit 1
) s
order by o.day, s.symbol
