-- A row is what one analyzer made of one article. A better analyzer adds a row
-- and overwrites none, so a past signal can still be explained by what was known
-- then; sentiment_current picks the one that counts now.
create table sentiment (
    id             bigint           not null generated always as identity,
    article_id     bigint           not null,
    cluster_id     bigint           not null,  -- of the article, for the score of its story
    analyzer       text             not null,  -- names engine, model and prompt, e.g. lexicon/1
    rank           smallint         not null,  -- a higher rank outranks a lower one, whatever their ages
    model          text,                       -- as it was asked for; null for a lexicon
    model_version  text,                       -- as the provider answered
    prompt_version text,
    score          double precision,           -- −1 bearish … +1 bullish; null when the article was blocked
    label          text,
    confidence     double precision,           -- 0 … 1 in the analyzer's own words
    calibrated     double precision,           -- 0 … 1, what that has been worth: the weight in a score
    relevance      double precision,           -- 0 … 1 for the symbols asked about
    impact         text,                       -- which way it should move the market; null from a lexicon
    event_type     text,
    key_points     jsonb            not null default '[]',
    summary        text,
    flags          text[]           not null default '{}',  -- quarantined takes a row out of every score
    input_tokens   bigint,
    output_tokens  bigint,
    latency_ms     bigint,
    input_hash     text             not null,  -- of exactly what the analyzer read
    analyzed_at    timestamptz      not null default clock_timestamp(),
    blocked_reason text,                       -- why the model would not read it; it is not asked again

    constraint sentiment_pk primary key (id),
    constraint sentiment_once_per_analyzer unique (article_id, analyzer),
    constraint sentiment_article_fk foreign key (article_id) references article on delete cascade,
    constraint sentiment_cluster_fk foreign key (cluster_id) references cluster,
    constraint sentiment_score_in_range check (score between -1 and 1),
    constraint sentiment_confidence_in_range check (confidence between 0 and 1),
    constraint sentiment_calibrated_in_range check (calibrated between 0 and 1),
    constraint sentiment_relevance_in_range check (relevance between 0 and 1),
    constraint sentiment_label_is_known check (label in (
        'negative',  -- bad for the share
        'neutral',   -- neither
        'positive'   -- good for the share
    )),
    constraint sentiment_event_type_is_known check (event_type in (
        'earnings', 'guidance', 'm&a', 'legal', 'product',
        'macro', 'analyst', 'management', 'capital', 'other'  -- as in cluster
    )),
    constraint sentiment_impact_is_known check (impact in ('bearish', 'neutral', 'bullish')),
    constraint sentiment_scored_or_blocked check (score is not null or blocked_reason is not null),
    constraint sentiment_score_is_whole check (
        num_nonnulls(score, label, confidence, calibrated) in (0, 4)),
    constraint sentiment_key_points_is_a_list check (jsonb_typeof(key_points) = 'array')
);

-- the best reading of an article
create index sentiment_best on sentiment (article_id, rank desc, analyzed_at desc, id desc);
-- the readings of a story
create index sentiment_cluster on sentiment (cluster_id);

-- the reading of each article that counts now: highest rank, then newest
create view sentiment_current as
select distinct on (article_id) *
from sentiment
where score is not null and not ('quarantined' = any (flags))
order by article_id, rank desc, analyzed_at desc, id desc;
