-- enough rows that a wrong plan costs more than a right one
insert into instrument (symbol, watched)
select 'S' || n, n <= 30 from generate_series(1, 300) n;

insert into quote (symbol, trading_day, price, provider)
select 'S' || n % 300 + 1, '2026-01-01'::date + n / 300, 1 + n, 'p' from generate_series(0, 9999) n;

insert into bar (symbol, day, open, high, low, close, volume, provider)
select 'S' || s, '2025-01-01'::date + d, 1, 1, 1, 1, 1, 'p'
from generate_series(1, 20) s, generate_series(1, 400) d;

insert into cluster (first_published_at)
select now() - n * interval '10 minutes' from generate_series(1, 10000) n;

insert into article (canonical_url, url, title, source, provider, published_at, cluster_id,
                     fingerprint, simhash, title_hash)
select 'u' || id, 'u', 't', 's', 'p', first_published_at, id, '{}', 0, 'h' || id from cluster;

update cluster c set representative = a.id from article a where a.cluster_id = c.id;

insert into article_symbol (article_id, symbol, relevance, published_at)
select id, 'S' || id % 300 + 1, 1, published_at from article;

insert into sentiment (article_id, cluster_id, analyzer, rank, score, label, confidence, calibrated,
                       input_hash)
select id, cluster_id, 'lexicon/1', 10, 0, 'neutral', 0, 0, 'h' from article where id % 10 > 0;

insert into signal (symbol, at, state, s, q, terms, inputs, formula_version, cause)
select 'S' || n % 300 + 1, now() - n * interval '1 minute', 'insufficient_data', 0, 0, '{}', '{}',
       'f', n::text
from generate_series(1, 10000) n;

insert into rule (name, kind, severity, definition)
select n::text, 'signal_enter', 'info', '{}' from generate_series(1, 10) n;

insert into alert_state (rule_id, symbol, state, next_timer)
select r, 'S' || s, '{}', case when s % 10 = 0 then now() + s * interval '1 minute' end
from generate_series(1, 10) r, generate_series(1, 300) s;

insert into alert (rule_id, symbol, episode, kind, severity, state, title, detail, fired_at,
                   resolved_at)
select n % 10 + 1, 'S' || n % 300 + 1, n, 'signal_enter', 'info',
       case when n % 100 = 0 then 'firing' else 'resolved' end, 't', '{}', now(),
       case when n % 100 > 0 then now() end
from generate_series(1, 10000) n;

insert into notification (alert_id, channel, recipient, kind, sequence, body, state, sent_at)
select id, 'log', 'log', 'firing', 0, 'b', 'sent', now() from alert where id % 100 > 0;

insert into idempotency_key (scope, key, request_hash)
select 's', n::text, 'h' from generate_series(1, 3000) n;

analyze;
