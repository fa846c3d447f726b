-- A row of each view here is a row of the tables above in plain terms, for people
-- and tools that know the system by these names. They are read-only: the leading
-- `with` keeps PostgreSQL from making a simple view writable, and costs nothing.

create view market_data as
with observation as (select * from quote)
select
    symbol,
    price,
    open,
    high,
    low,
    volume,
    round(100 * (price - previous_close) / previous_close, 4) as change_percent,
    first_seen_at as timestamp,
    trading_day,
    provider as source
from observation;

-- one row for each share that an article concerns
create view news_articles as
with story as (select * from article)
select s.id, l.symbol, s.title, s.description, s.url, s.source, s.published_at
from story s
left join article_symbol l on l.article_id = s.id;

-- every reading; sentiment_current has the one that counts
create view sentiment_analysis as
with reading as (select * from sentiment)
select
    article_id,
    score as sentiment_score,
    label as sentiment_label,
    confidence,
    impact as market_impact,
    key_points,
    analyzer,
    analyzed_at
from reading;

create view trading_signals as
with evaluation as (select * from signal)
select
    symbol,
    coalesce(label, upper(state)) as signal_type,
    s as sentiment_score,
    p as price_score,
    c as composite_score,
    q as confidence,
    at as generated_at
from evaluation;

create view alerts as
with episode as (select * from alert)
select
    id,
    nullif(symbol, '') as symbol,
    kind as alert_type,
    severity,
    title as message,
    coalesce(pending_at, fired_at) as created_at,
    resolved_at
from episode;
