with story as (
    select l.symbol, a.cluster_id as id, max(l.relevance) as relevance
    from instrument i
    join article_symbol l on l.symbol = i.symbol
    join article a on a.id = l.article_id
    where i.watched and l.published_at between $1 and $2
    group by l.symbol, a.cluster_id
),
reading as (
    -- the best reading of any article of the story
    select story.symbol, story.relevance, s.score, s.label, s.calibrated, s.analyzed_at
    from story
    left join lateral (
        select * from sentiment
        where sentiment.cluster_id = story.id
          and sentiment.score is not null and not ('quarantined' = any (sentiment.flags))
        order by sentiment.rank desc, sentiment.analyzed_at desc, sentiment.id desc limit 1
    ) s on true
)
select
    i.symbol as "symbol: Word<Symbol>",
    sum(r.relevance * r.calibrated * r.score) / nullif(sum(r.relevance * r.calibrated), 0) as score,
    count(*) filter (where r.label = 'positive') as "positive!",
    count(*) filter (where r.label = 'neutral') as "neutral!",
    count(*) filter (where r.label = 'negative') as "negative!",
    count(*) filter (where r.symbol is not null and r.label is null) as "unanalyzed!",
    max(r.analyzed_at) as last_analyzed_at
from instrument i
left join reading r on r.symbol = i.symbol
where i.watched
group by i.symbol
order by i.symbol
