select
    a.id, a.cluster_id, a.title, a.description, a.url, a.source, a.provider, a.published_at,
    a.first_seen_at, l.relevance, a.flags,
    (select count(*) from article o where o.cluster_id = a.cluster_id) as "outlets!",
    s.id as "sentiment_id?", s.score, s.label as "label!: Maybe<Label>", s.confidence,
    s.analyzer as "analyzer?", s.impact, s.summary, s.key_points as "key_points?",
    s.analyzed_at as "analyzed_at?"
from article_symbol l
join article a on a.id = l.article_id
join cluster c on c.id = a.cluster_id
left join lateral (
    -- its own reading if there is one: only one article of a story is sent to a model
    select own.* from unnest(array[a.id, c.representative]) with ordinality as of (id, place)
    cross join lateral (
        select * from sentiment
        where sentiment.article_id = of.id
          and sentiment.score is not null and not ('quarantined' = any (sentiment.flags))
        order by sentiment.rank desc, sentiment.analyzed_at desc, sentiment.id desc limit 1
    ) as own
    order by of.place limit 1
) s on true
where l.symbol = $1
  and (l.published_at, l.article_id)
      < (coalesce($2, 'infinity'::timestamptz), coalesce($3, 9223372036854775807))
order by l.published_at desc, l.article_id desc
limit $4
