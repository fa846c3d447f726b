//! The set: a database, the sandbox with short days, five workers, and more work than quota.

use std::time::Duration;

use bellwether_jobs::{AnalyzeArticle, ScrapeNews, ScrapeQuotes};
use bellwether_queue::{Db, MIGRATOR, NewJob};
use bellwether_sandbox::{Limits, Options, Sandbox};
use bellwether_testing::{Database, database};

use crate::support::{Running, bellwether};

/// One window as the sandbox counts it.
pub(crate) struct Window {
    pub(crate) amount: usize,
    pub(crate) period: Duration,
}

/// A provider's key: what we hold ourselves to, and what the sandbox holds us to.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// In the sandbox's book.
    pub(crate) provider: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) ours: Vec<Window>,
    pub(crate) theirs: Vec<Window>,
}

pub(crate) struct Stage {
    pub(crate) database: Database,
    pub(crate) db: Db,
    pub(crate) sandbox: bellwether_sandbox::Running,
    pub(crate) keys: Vec<Key>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) http: reqwest::Client,
}

pub(crate) struct Worker {
    pub(crate) role: &'static str,
    pub(crate) running: Running,
}

const ROLES: [&str; 5] = ["scraper", "analyzer", "scraper", "analyzer", "analyzer"];
const SYMBOLS: [&str; 12] =
    ["AAPL", "MSFT", "GOOGL", "AMZN", "TSLA", "NVDA", "META", "JPM", "XOM", "WMT", "KO", "DIS"];
/// As many jobs as always wait for each key.
const BACKLOG: i64 = 60;

impl Stage {
    /// Days and half days are 600 times shorter (in a short run more), minutes and seconds as long as
    /// they are.
    pub(crate) async fn set(length: Duration) -> Self {
        let shrink = if length >= Duration::from_mins(12) { 600 } else { 1_800 };
        let part = |hours: u64| Duration::from_millis(hours * 3_600_000 / shrink);
        let of = |amount, period| Window { amount, period };
        let (second, minute) = (Duration::from_secs(1), Duration::from_mins(1));
        let keys = vec![
            Key {
                name: "alpha_vantage",
                provider: "alpha_vantage",
                kind: "scrape_quotes",
                ours: vec![of(1, second * 6 / 5), of(6, part(25))],
                theirs: vec![of(1, second), of(6, part(24))],
            },
            Key {
                name: "newsapi",
                provider: "newsapi",
                kind: "scrape_news",
                ours: vec![of(20, part(12))],
                theirs: vec![of(20, part(12))],
            },
            Key {
                name: "gemini/gemini-3.5-flash-lite",
                provider: "gemini",
                kind: "analyze_article",
                ours: vec![of(15, minute), of(40, part(25).max(minute * 2))],
                theirs: vec![of(15, minute)],
            },
        ];
        let limits = Limits::default()
            .with("alpha_vantage", "per_day", 6)
            .and_then(|l| l.with("newsapi", "per_12h", 20))
            .and_then(|l| l.with("gemini", "rpd", 1_000_000))
            .expect("known limits")
            .shrunk(u32::try_from(shrink).expect("a small number"));
        let sandbox = Sandbox::start(Options { limits, ..Options::default() })
            .await
            .expect("the sandbox starts");
        let database = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
        let db = Db::direct(database.pool());
        let mut stage = Self {
            database,
            db,
            sandbox,
            keys,
            workers: Vec::new(),
            http: bellwether_testing::http_client().build().expect("a client"),
        };
        for role in ROLES {
            let running = stage.start(role);
            stage.workers.push(Worker { role, running });
        }
        stage
    }

    pub(crate) fn start(&self, role: &str) -> Running {
        let url = self.sandbox.url();
        let plan = |key: usize| {
            let part = |w: &Window| format!("{}/{}ms", w.amount, w.period.as_millis());
            self.keys[key].ours.iter().map(part).collect::<Vec<_>>().join(", ")
        };
        let mut command = bellwether(&["worker", role]);
        command
            .env("DATABASE_URL", &self.database.url)
            .env("BELLWETHER_HTTP_ADDR", "127.0.0.1:0")
            .env("BELLWETHER_CONCURRENCY", "8")
            .env("BELLWETHER_LOG", "warn")
            .env("ALPHA_VANTAGE_API_KEY", "rehearsal")
            .env("ALPHA_VANTAGE_BASE_URL", format!("{url}/alphavantage"))
            .env("ALPHA_VANTAGE_LIMITS", plan(0))
            .env("NEWSAPI_API_KEY", "rehearsal")
            .env("NEWSAPI_BASE_URL", format!("{url}/newsapi"))
            .env("NEWSAPI_LIMITS", plan(1))
            .env("GEMINI_API_KEY", "rehearsal")
            .env("GEMINI_BASE_URL", format!("{url}/gemini"))
            .env("GEMINI_MODEL", "gemini-3.5-flash-lite")
            .env("GEMINI_LIMITS", plan(2));
        Running::start(command)
    }

    /// Fills each key's lane up, so that no permit is left for want of work.
    pub(crate) async fn fill(&self) {
        for (n, key) in self.keys.iter().enumerate() {
            let waiting: i64 = sqlx::query_scalar(
                "select count(*) from queue.ready r join queue.lane_key lk on lk.lane = r.lane
                join queue.limit_key k on k.id = lk.key where k.name = $1 and r.kind = $2",
            )
            .bind(key.name)
            .bind(key.kind)
            .fetch_one(&self.db)
            .await
            .expect("a count");
            let jobs: Vec<NewJob> = match n {
                0 => (waiting..BACKLOG).map(|i| quotes(i as usize)).collect(),
                1 => (waiting..BACKLOG).map(|i| news(i as usize)).collect(),
                _ if waiting < BACKLOG => self.analyses(BACKLOG - waiting).await,
                _ => Vec::new(),
            };
            let mut tx = self.db.begin().await.expect("a transaction");
            bellwether_queue::enqueue_all(&mut *tx, &jobs).await.expect("jobs are added");
            tx.commit().await.expect("they stay");
        }
    }

    /// Jobs for stories of their own, since a story is read once.
    async fn analyses(&self, wanted: i64) -> Vec<NewJob> {
        let articles: Vec<i64> = sqlx::query_scalar(
            "with story as (
                insert into cluster (first_published_at) select now() from generate_series(1, $1) returning id
            )
            insert into article (canonical_url, url, title, description, source, provider, published_at, cluster_id, fingerprint, simhash, title_hash)
            select 'https://rehearsal.example/' || id, 'https://rehearsal.example/' || id, 'Apple lifts its outlook, note ' || id,
                'The company expects stronger sales.', 'rehearsal', 'rehearsal', now(), id, '{}', id, 'rehearsal ' || id
            from story returning id",
        )
        .bind(wanted)
        .fetch_all(&self.db)
        .await
        .expect("articles are added");
        sqlx::query("update cluster c set representative = a.id from article a where a.cluster_id = c.id and c.representative is null")
            .execute(&self.db)
            .await
            .expect("each represents its story");
        let job = |article| NewJob::of(&AnalyzeArticle { article, ..read() });
        articles.into_iter().map(job).collect()
    }

    pub(crate) async fn strike(mut self) {
        for worker in &self.workers {
            worker.running.signal("CONT");
            worker.running.signal("TERM");
        }
        for worker in &mut self.workers {
            worker.running.ended(Duration::from_mins(1)).await;
        }
        self.sandbox.stop().await;
    }
}

fn read() -> AnalyzeArticle {
    serde_json::from_value(serde_json::json!({ "article": 0 })).expect("its arguments")
}

fn quotes(n: usize) -> NewJob {
    let symbol = SYMBOLS[n % SYMBOLS.len()].parse().expect("a symbol");
    NewJob::of(&ScrapeQuotes { symbol, batch: None, part: None })
}

fn news(n: usize) -> NewJob {
    let symbol = SYMBOLS[n % SYMBOLS.len()].parse().expect("a symbol");
    let job = ScrapeNews { symbols: vec![symbol], batch: None, topic: None };
    NewJob::of(&job)
}
