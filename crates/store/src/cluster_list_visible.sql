with story as (
    -- 72 h and the 24 h before them, in which a repeated event may have begun
    select a.cluster_id as id, max(l.relevance) as r
    from article_symbol l
    join article a on a.id = l.article_id
    where l.symbol = $1
      and l.relevance >= $3
      and l.published_at between $2::timestamptz - interval '96 hours' and $2
      and a.available_at <= $2
    group by a.cluster_id
),
outlet as (
    -- all outlets of these stories, whichever symbols they name
    select
        a.cluster_id as id,
        min(a.published_at) as first_published_at,
        array_agg(distinct a.source order by a.source) as sources,
        array_agg(a.id order by a.id) as article_ids
    from story
    join article a on a.cluster_id = story.id
    where a.available_at <= $2
    group by a.cluster_id
),
reading as (
    -- each article's reading that counted then
    select distinct on (s.article_id)
        s.id, s.article_id, s.cluster_id, s.rank, s.score, s.calibrated
    from outlet
    cross join lateral unnest(outlet.article_ids) as known (article_id)
    join sentiment s on s.article_id = known.article_id
    where s.analyzed_at <= $2 and s.score is not null and not ('quarantined' = any (s.flags))
    order by s.article_id, s.rank desc, s.analyzed_at desc, s.id desc
),
best as (
    -- a lexicon's reading of a reprint does not dilute the model's of the original;
    -- summed in order of id, so that the same rows give the same bits
    select
        cluster_id as id,
        coalesce(
            sum(calibrated * score order by article_id)
                / nullif(sum(calibrated order by article_id), 0),
            avg(score order by article_id)) as s,
        coalesce(
            sum(calibrated * calibrated order by article_id)
                / nullif(sum(calibrated order by article_id), 0),
            0) as kappa,
        array_agg(reading.id order by reading.id) as sentiment_ids
    from (select *, max(rank) over (partition by cluster_id) as top from reading) as reading
    where rank = top
    group by cluster_id
)
select
    c.id as "id!",
    o.first_published_at as "first_published_at!",
    extract(epoch from $2 - o.first_published_at)::double precision / 3600 as "age_h!",
    b.s as "s!",
    b.kappa as "kappa!",
    story.r as "r!",
    (
        select count(*)
        from outlet earlier
        join cluster e on e.id = earlier.id
        where e.event_type = c.event_type
          and c.event_type <> 'other'
          and earlier.first_published_at >= o.first_published_at - interval '24 hours'
          and (earlier.first_published_at, e.id) < (o.first_published_at, c.id)
    ) as "k!",
    c.event_type as "event_type!: Maybe<EventType>",
    r.source as "source!",
    o.sources as "sources!",
    o.article_ids as "article_ids!",
    b.sentiment_ids as "sentiment_ids!"
from story
join outlet o on o.id = story.id
join best b on b.id = story.id
join cluster c on c.id = story.id
join article r on r.id = c.representative
where o.first_published_at >= $2 - interval '72 hours'
order by c.id
