//! Rows as the pipeline writes them.

use bellwether_domain::{
    Symbol, calendar,
    cluster::{Story, canonical_url, fingerprint},
    lexicon,
};
use bellwether_store::{self as store, signal::NewSignal};
use chrono::{DateTime, Days, TimeDelta, Utc};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// On every row.
const PROVIDER: &str = "simulated";
const MODEL: &str = "simulated/1";
/// Closes that a signal reads, and some for holidays.
const PAST: u64 = 380;
const SUBJECTS: [&str; 8] = [
    "beats estimates and raises its outlook as demand grows",
    "faces a regulator's probe over how it sold its newest product",
    "plans to cut costs and close two plants next year",
    "wins a large contract in Europe after months of talks",
    "is downgraded by analysts who see slower growth ahead",
    "unveils a product that is to compete with its largest rival",
    "buys back shares and lifts its dividend for the third time",
    "warns that tariffs and freight will weigh on margins",
];
const SENTENCES: [&str; 6] = [
    "Shares moved in early trading after the company published figures that analysts had awaited for weeks.",
    "Executives said on a call that they expect demand to hold through the second half of the year.",
    "The results follow a quarter in which costs rose faster than sales in two of its three regions.",
    "Investors had feared a weaker outlook after a competitor lowered its own forecast last month.",
    "A spokesperson declined to comment beyond the statement that was published on its website.",
    "The company employs some forty thousand people and sells its products in more than sixty countries.",
];

pub(crate) struct Filler {
    pool: PgPool,
    symbols: Vec<Symbol>,
    random: StdRng,
    /// When something of a symbol arrived that calls for a signal.
    causes: Vec<(DateTime<Utc>, Symbol, String)>,
}

impl Filler {
    pub(crate) fn new(pool: PgPool, symbols: Vec<Symbol>, seed: u64) -> Self {
        Self { pool, symbols, random: StdRng::seed_from_u64(seed), causes: Vec::new() }
    }

    /// Bars of `days` and of the past that a signal reads, and a quote a session.
    pub(crate) async fn prices(&mut self, now: DateTime<Utc>, days: u64) -> Result<()> {
        store::instrument::add_all(&self.pool, &self.symbols).await?;
        let mut tx = self.pool.begin().await?;
        let first = now.date_naive() - Days::new(days + PAST);
        for symbol in &self.symbols {
            let mut price = self.random.random_range(40.0..400.0_f64);
            for day in first.iter_days().take_while(|day| *day <= now.date_naive()) {
                let Some(session) = calendar::session(day) else { continue };
                let before = price;
                price *= 1.0 + self.random.random_range(-0.03..0.0302);
                let volume = self.random.random_range(1_000_000..90_000_000_i64);
                if session.closes < now {
                    sqlx::query(
                        "insert into bar (symbol, day, open, high, low, close, volume, provider, first_seen_at)
                        select $1, $2, o, greatest(o, c) * 1.01, least(o, c) * 0.99, c, $5, $6, $7
                        from (select round($3::numeric, 4) as o, round($4::numeric, 4) as c) x
                        on conflict do nothing",
                    )
                    .bind(symbol.as_str())
                    .bind(day)
                    .bind(before)
                    .bind(price)
                    .bind(volume)
                    .bind(PROVIDER)
                    .bind(session.closes + TimeDelta::minutes(40))
                    .execute(&mut *tx)
                    .await?;
                }
                let at = session.opens + TimeDelta::hours(3);
                if at > now || day < now.date_naive() - Days::new(days) {
                    continue;
                }
                let quote: i64 = sqlx::query_scalar(
                    "insert into quote (symbol, trading_day, price, open, high, low, previous_close, volume, provider, first_seen_at)
                    select $1, $2, c, o, greatest(o, c) * 1.01, least(o, c) * 0.99, o, $5, $6, $7
                    from (select round($3::numeric, 4) as o, round($4::numeric, 4) as c) x returning id",
                )
                .bind(symbol.as_str())
                .bind(day)
                .bind(before)
                .bind(price)
                .bind(volume)
                .bind(PROVIDER)
                .bind(at)
                .fetch_one(&mut *tx)
                .await?;
                self.causes.push((at, symbol.clone(), format!("observation/{quote}")));
            }
        }
        let seen =
            "update instrument set quote_seen_at = $1, news_seen_at = $1 where symbol = any ($2)";
        let names: Vec<&str> = self.symbols.iter().map(Symbol::as_str).collect();
        sqlx::query(seen).bind(now).bind(names).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The articles of a day, six in ten of them the first of their story, each read by the lexicon, and
    /// the first of a story by a model.
    pub(crate) async fn news(
        &mut self,
        day: DateTime<Utc>,
        now: DateTime<Utc>,
        articles: usize,
    ) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        for symbol in self.symbols.clone() {
            let mut story: Option<(i64, String)> = None;
            for n in 0..articles {
                let spread = 24 * 60 * n / articles;
                let at = day + TimeDelta::minutes(spread as i64 + self.random.random_range(0..30));
                if at >= now {
                    break;
                }
                let known = story.take().filter(|_| self.random.random_bool(0.4));
                let title = known.as_ref().map_or_else(|| self.title(&symbol), |(_, t)| t.clone());
                let cluster =
                    self.article(&mut tx, &symbol, at, &title, known.map(|k| k.0)).await?;
                story = Some((cluster, title));
            }
        }
        tx.commit().await?;
        Ok(())
    }

    fn title(&mut self, symbol: &Symbol) -> String {
        let subject = SUBJECTS.choose(&mut self.random).copied().unwrap_or_default();
        format!("{symbol} {subject} (simulated {})", self.random.random_range(100..1000))
    }

    fn text(&mut self, characters: usize) -> String {
        let mut text = String::new();
        while text.len() < characters {
            text.push_str(SENTENCES.choose(&mut self.random).copied().unwrap_or_default());
            text.push(' ');
        }
        text.truncate(characters);
        text
    }

    /// Returns the article's story.
    async fn article(
        &mut self,
        conn: &mut PgConnection,
        symbol: &Symbol,
        at: DateTime<Utc>,
        title: &str,
        story: Option<i64>,
    ) -> Result<i64> {
        // a provider tells of it within the hour
        let seen = at + TimeDelta::minutes(self.random.random_range(5..60));
        let (description, content) = (self.text(220), self.text(214));
        let slug = title.to_lowercase().replace([' ', '(', ')'], "-");
        let url = format!(
            "https://news.example.com/{}/{slug}-{}",
            at.format("%Y/%m/%d"),
            self.random.next_u32()
        );
        let url: url::Url = url.parse()?;
        let source = format!("Simulated Wire {}", self.random.random_range(1..9));
        let print = fingerprint(&Story {
            title: title.to_owned(),
            description: description.clone(),
            url: url.clone(),
            source: source.clone(),
            published_at: at,
        });
        let cluster = if let Some(story) = story {
            story
        } else {
            let add = "insert into cluster (first_published_at, event_type) values ($1, 'product') returning id";
            sqlx::query_scalar(add).bind(at).fetch_one(&mut *conn).await?
        };
        let article: i64 = sqlx::query_scalar(
            "insert into article (canonical_url, url, title, description, content, source, provider, language,
                published_at, first_seen_at, cluster_id, fingerprint, simhash, title_hash)
            values ($1, $2, $3, $4, $5, $6, $7, 'en', $8, $9, $10, $11, $12, $13) returning id",
        )
        .bind(canonical_url(&url))
        .bind(url.as_str())
        .bind(title)
        .bind(&description)
        .bind(&content)
        .bind(source)
        .bind(PROVIDER)
        .bind(at)
        .bind(seen)
        .bind(cluster)
        .bind(serde_json::to_value(&print)?)
        .bind(print.simhash.cast_signed())
        .bind(format!("{:016x}", print.title_hash))
        .fetch_one(&mut *conn)
        .await?;
        store::article::link(&mut *conn, article, &[(symbol.clone(), 0.9)]).await?;
        let represent =
            "update cluster set representative = $2 where id = $1 and representative is null";
        sqlx::query(represent).bind(cluster).bind(article).execute(&mut *conn).await?;
        let score = self.random.random_range(-0.9..0.9);
        let lexicon =
            self.reading(conn, article, cluster, lexicon::ANALYZER, 10, score * 0.6, seen).await?;
        self.causes.push((
            seen + TimeDelta::seconds(5),
            symbol.clone(),
            format!("sentiment/{lexicon}"),
        ));
        if story.is_none() {
            let read = seen + TimeDelta::minutes(2);
            let model = self.reading(conn, article, cluster, MODEL, 100, score, read).await?;
            self.causes.push((
                read + TimeDelta::seconds(5),
                symbol.clone(),
                format!("sentiment/{model}"),
            ));
        }
        Ok(cluster)
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of a row")]
    async fn reading(
        &mut self,
        conn: &mut PgConnection,
        article: i64,
        cluster: i64,
        analyzer: &str,
        rank: i16,
        score: f64,
        at: DateTime<Utc>,
    ) -> Result<i64> {
        let is_model = rank > 10;
        let (summary, points) = if is_model {
            (Some(self.text(240)), json!([self.text(90), self.text(90), self.text(90)]))
        } else {
            (None, json!([]))
        };
        let label = if score < -0.15 {
            "negative"
        } else if score > 0.15 {
            "positive"
        } else {
            "neutral"
        };
        let id = sqlx::query_scalar(
            "insert into sentiment (article_id, cluster_id, analyzer, rank, model, score, label, confidence,
                calibrated, relevance, impact, event_type, key_points, summary, input_tokens, output_tokens,
                latency_ms, input_hash, analyzed_at)
            values ($1, $2, $3, $4, case when $5 then $3 end, $6, $7, 0.8, 0.7, 0.9, case when $5 then 'neutral' end,
                case when $5 then 'product' end, $8, $9, case when $5 then 812 end, case when $5 then 190 end,
                case when $5 then 1200 end, md5($10) || md5($3), $11)
            returning id",
        )
        .bind(article)
        .bind(cluster)
        .bind(analyzer)
        .bind(rank)
        .bind(is_model)
        .bind(score)
        .bind(label)
        .bind(points)
        .bind(summary)
        .bind(article.to_string())
        .bind(at)
        .fetch_one(conn)
        .await?;
        Ok(id)
    }

    /// Derives every signal of a stretch: each hour, at closes, and five seconds after the first of a
    /// burst. Returns how many.
    pub(crate) async fn signals(
        &mut self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<usize> {
        let mut due: Vec<_> =
            self.causes.drain(..).filter(|(at, ..)| (from..until).contains(at)).collect();
        let mut hour = from;
        while hour < until {
            for symbol in &self.symbols {
                due.push((hour, symbol.clone(), format!("hourly/{}", hour.timestamp())));
            }
            hour += TimeDelta::hours(1);
        }
        due.sort();
        let mut conn = self.pool.acquire().await?;
        let signals = due.len();
        for (at, symbol, cause) in due {
            let signal: NewSignal =
                bellwether_jobs::derive_at(&mut conn, &symbol, at, cause).await?;
            store::signal::add(&mut *conn, &signal).await?;
        }
        Ok(signals)
    }

    /// Repeats the signals of the last `derived` days until there are `days` of them.
    pub(crate) async fn copy_signals(&self, derived: u64, days: u64) -> Result<()> {
        for back in (1..).map(|n| n * derived).take_while(|back| *back < days) {
            sqlx::query(
                "insert into signal (symbol, at, state, label, c, p, s, q, terms, inputs, formula_version, cause, job)
                select symbol, at - $1 * interval '1 day', state, label, c, p, s, q, terms, inputs, formula_version,
                    cause || '/' || $1, id
                from signal where at > now() - $2 * interval '1 day' order by at",
            )
            .bind(back.cast_signed())
            .bind(derived.cast_signed())
            .execute(&self.pool)
            .await?;
        }
        Ok(())
    }

    /// Ten alerts a day with three messages each, as a watchlist of twenty raises in a nervous week; the
    /// messages of the last ninety days.
    pub(crate) async fn alerts(&self, days: u64) -> Result<()> {
        let minutes = (days * 24 * 60).cast_signed();
        sqlx::query(
            "insert into rule (name, kind, severity, definition) values ('simulated', 'price_change', 'info', '{}')
            on conflict do nothing",
        )
        .execute(&self.pool)
        .await?;
        sqlx::query(
            "insert into alert (rule_id, symbol, episode, kind, severity, state, title, detail, fired_at, resolved_at)
            select (select max(id) from rule), 'SAA', n, 'price_change', 'warning', 'resolved',
                'SAA is down 7.3 % at 169.43', jsonb_build_object('price', '169.43', 'previous_close', '182.77',
                'percent', -7.3, 'band', 5, 'provider', 'simulated'), t, t + interval '3 hours'
            from generate_series(1, $1 / 144) n, lateral (select now() - n * interval '144 minutes') x (t)
            on conflict do nothing",
        )
        .bind(minutes)
        .execute(&self.pool)
        .await?;
        sqlx::query(
            "with added as (
                insert into notification (alert_id, channel, recipient, kind, sequence, subject, body, created_at, sent_at, state)
                select a.id, 'email', 'someone@example.org', k, s, a.title, repeat(a.title || '. ', 12), a.fired_at, a.fired_at, 'sent'
                from alert a, (values ('firing', 0), ('repeat', 1), ('resolved', 0)) x (k, s)
                where a.fired_at > now() - interval '90 days'
                on conflict do nothing returning id, created_at
            )
            insert into delivery (notification_id, attempt, nonce, state, provider_id, started_at, ended_at)
            select id, 1, md5(id::text), 'sent', md5(id::text), created_at, created_at from added",
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Finished jobs of a week, grants of 35 days and events of one: what the queue keeps.
    pub(crate) async fn jobs(&self, derived: u64) -> Result<()> {
        let per_day =
            "select (count(*) / $1)::bigint from signal where at > now() - $1 * interval '1 day'";
        let signals: i64 =
            sqlx::query_scalar(per_day).bind(derived.cast_signed()).fetch_one(&self.pool).await?;
        // a signal is a job and so is its evaluation; 1,440 sweeps, rounds, searches, readings, messages
        let jobs = 2 * signals + 1_440 + 48 * 10 + 200 * 2 + 60;
        sqlx::query(
            "insert into queue.done (id, finished_at, process, claimed_at, lane, priority, kind, attempt, max_attempts,
                args, unique_key, holds, parent, trace, created_at, log)
            select nextval('queue.job_id'), t, gen_random_uuid(), t - interval '20 ms', 1, 3, 'derive_signal', 1, 5,
                jsonb_build_object('symbol', 'AAPL', 'cause', 'sentiment/' || n), 'AAPL/sentiment/' || n, 'claimed', n,
                '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', t - interval '5 seconds',
                array['signal ' || n || ': Some(Buy), C Some(0.4312543), S 0.312']
            from generate_series(1, 7 * $1) n, lateral (select now() - n * interval '1 day' / $1) x (t)",
        )
        .bind(jobs)
        .execute(&self.pool)
        .await?;
        sqlx::query(
            "insert into queue.permit_grant (key, at, kind, requests, cum_requests)
            select 1, now() - n * interval '1 day' / 700, 'grant', 1, 1000000 - n from generate_series(1, 35 * 700) n
            on conflict do nothing",
        )
        .execute(&self.pool)
        .await?;
        sqlx::query("insert into queue.event (kind, subject) select 'signal', 'AAPL' from generate_series(1, 4 * $1)")
            .bind(signals)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
