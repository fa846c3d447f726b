select
    c.id,
    not exists (
        select from article a where a.cluster_id = c.id and a.available_at >= $2
    )
    -- a story counts for three days in a score, and for a fourth as what a later one repeats
    and not exists (
        select
        from article a
        join article_symbol l on l.article_id = a.id
        join signal s on s.symbol = l.symbol
            and s.at between a.published_at - interval '5 days' and a.available_at + interval '5 days'
        where a.cluster_id = c.id
    ) as "goes!"
from cluster c
where c.id > $1 and c.first_published_at < $2
order by c.id
limit $3
