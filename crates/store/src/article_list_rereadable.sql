select a.id, a.cluster_id, a.published_at
from article a
cross join lateral (
    select
        count(*) as shares,
        coalesce(bool_or(l.symbol = any ($3)), false) as matters
    from article o
    join article_symbol l on l.article_id = o.id
    where o.cluster_id = a.cluster_id
) story
where a.published_at >= $2
  and a.first_seen_at < clock_timestamp() - interval '1 hour'
  and exists (select from cluster c where c.representative = a.id)
  and story.shares > 0
  and exists (select from sentiment s where s.cluster_id = a.cluster_id)
  and not exists (
      select from sentiment s where s.cluster_id = a.cluster_id and s.analyzer = $1)
order by
    a.published_at + case when story.matters then interval '24 hours' else interval '0' end desc,
    a.id desc
limit $4
