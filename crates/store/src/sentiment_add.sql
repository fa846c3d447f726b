insert into sentiment (
    article_id, cluster_id, analyzer, rank, model, model_version, prompt_version,
    score, label, confidence, calibrated, relevance, impact, event_type, key_points, summary,
    flags, input_tokens, output_tokens, latency_ms, input_hash, blocked_reason, replaces
)
select
    a.id, a.cluster_id, $2, $3, $4, $5, $6,
    $7, $8, $9, $10, $11, $12, $13, $14, $15,
    $16, $17, $18, $19, $20, $21,
    (
        select c.id from sentiment_current c
        where c.article_id = a.id and c.rank <= $3
          and $7::float8 is not null and not ('quarantined' = any ($16::text[]))
    )
from article a
where a.id = $1
on conflict (article_id, analyzer) do nothing
returning id
