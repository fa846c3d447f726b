//! A database, a sandbox and a worker for the kinds that a test wants to run.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bellwether_domain::{Symbol, alert::notify};
use bellwether_jobs::{Mail, Model, Services, Settings, Texts, handlers, prepare};
use bellwether_providers::{self as providers, smtp, twilio, webhook};
use bellwether_queue::{
    Config, Db, Job, JobArgs, JobId, NewJob, Process, QueueConfig, Registry, State, control,
    enqueue, inspect, limits,
};
use bellwether_sandbox::{Limits, Options, Running, Sandbox};
use bellwether_testing::{Database, database, wait_until, wait_until_within};
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;

pub(crate) const KEY: &str = "sandbox-key-4711";
/// The sources of prices and of news.
pub(crate) const MARKET: &str = "alpha_vantage";
pub(crate) const NEWS: &str = "newsapi";
pub(crate) const QUEUES: [&str; 4] = ["scraper", "analyzer", "alert", "maintenance"];
/// Nothing here waits for a quota.
const PLENTY: f64 = 100.0;

pub(crate) struct Stage {
    pub(crate) pool: Db,
    pub(crate) services: Services,
    /// Of the workers.
    work_pool: Db,
    database: Database,
    sandbox: Running,
    http: reqwest::Client,
    settings: Settings,
    processes: Vec<Process>,
}

pub(crate) fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

impl Stage {
    /// Market and news from the sandbox, the lexicon as reader, messages to the log at once.
    pub(crate) async fn new() -> Self {
        Self::with(|_, _| {}).await
    }

    /// The same with a model as reader.
    pub(crate) async fn with_model() -> Self {
        Self::with(|settings, url| {
            settings.models = vec![gemini(url)];
        })
        .await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings, &str)) -> Self {
        Self::at_scale(PLENTY, change).await
    }

    /// The free plans' limits times `scale`, for us and for the sandbox alike.
    pub(crate) async fn at_scale(scale: f64, change: impl FnOnce(&mut Settings, &str)) -> Self {
        let database = database(&[&bellwether_queue::MIGRATOR, &bellwether_store::MIGRATOR]).await;
        let allowed = Limits::default().scaled(scale);
        let sandbox =
            Sandbox::start(Options { limits: allowed, ..Options::default() }).await.unwrap();
        let url = sandbox.url();
        let mut settings = Settings {
            watchlist: vec![symbol("AAPL"), symbol("MSFT")],
            sources: BTreeMap::from([
                (MARKET, access(&url, "alphavantage")),
                (NEWS, access(&url, "newsapi")),
            ]),
            notify: notify::Settings { group_wait_s: 0, ..notify::Settings::default() },
            limit_scale: scale,
            ..Settings::default()
        };
        change(&mut settings, &url);
        let pool = Db::direct(database.pool());
        let services = Services::new(pool.clone(), settings.clone()).unwrap();
        prepare(&services, &QUEUES).await.unwrap();
        // only a test's own jobs run
        for schedule in bellwether_queue::schedule::list(&pool).await.unwrap() {
            bellwether_queue::schedule::pause(&pool, &schedule.name, true).await.unwrap();
        }
        let http =
            bellwether_testing::http_client().timeout(Duration::from_secs(10)).build().unwrap();
        let work_pool = pool.clone();
        Self { pool, services, work_pool, database, sandbox, http, settings, processes: Vec::new() }
    }

    /// Ends all workers; the next ones have other settings.
    pub(crate) async fn reconfigure(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings);
        self.forget().await;
    }

    /// Ends all workers; the next ones know nothing of what these learned.
    pub(crate) async fn forget(&mut self) {
        for process in self.processes.drain(..) {
            process.close(Duration::from_secs(10)).await.unwrap();
        }
        self.services = Services::new(self.work_pool.clone(), self.settings.clone()).unwrap();
    }

    /// Leaves the workers that start from now on one connection for all their attempts and reports.
    /// An attempt that holds it while it asks for another waits in vain.
    pub(crate) fn leave_one_connection(&mut self) {
        let one = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(20))
            .connect_lazy_with(self.database.options());
        self.work_pool = Db::direct(one);
        self.services = Services::new(self.work_pool.clone(), self.settings.clone()).unwrap();
    }

    /// Defines the limits, lanes and schedules of a worker with other settings.
    pub(crate) async fn prepare_with(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings.clone();
        change(&mut settings);
        let services = Services::new(self.pool.clone(), settings).unwrap();
        prepare(&services, &QUEUES).await.unwrap();
    }

    /// Stops a key as a provider's word would.
    pub(crate) async fn park(&self, key: &str, wait: Duration) {
        let mut tx = self.pool.begin().await.unwrap();
        limits::park(&mut tx, key, wait, "a test").await.unwrap().unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn resume(&self, key: &str) {
        let mut tx = self.pool.begin().await.unwrap();
        assert!(limits::resume(&mut tx, key).await.unwrap());
        tx.commit().await.unwrap();
    }

    /// Starts a worker for these kinds; others stay where they are.
    pub(crate) async fn work(&mut self, kinds: Registry) {
        let handlers = Arc::new(handlers(&self.services));
        let process = Process::start(Config {
            pool: self.work_pool.clone(),
            direct: self.database.options(),
            listen: true,
            name: "stage".to_owned(),
            version: "0".to_owned(),
            queues: QUEUES
                .map(|name| QueueConfig { name: name.to_owned(), concurrency: 4 })
                .to_vec(),
            registry: kinds,
        })
        .await
        .unwrap();
        for queue in QUEUES {
            let mut attempts = process.subscribe(queue);
            let handlers = Arc::clone(&handlers);
            tokio::spawn(async move {
                while let Some(attempt) = attempts.recv().await {
                    let handlers = Arc::clone(&handlers);
                    tokio::spawn(async move {
                        let outcome = handlers.run(&attempt).await;
                        attempt.finish(outcome);
                    });
                }
            });
        }
        self.processes.push(process);
    }

    pub(crate) async fn only<J: Job<Context = Services>>(&mut self) {
        self.work(Registry::new().with::<J>()).await;
    }

    pub(crate) async fn add<J: JobArgs>(&self, job: &J) -> JobId {
        self.add_prepared(NewJob::of(job)).await
    }

    pub(crate) async fn add_prepared(&self, job: NewJob) -> JobId {
        enqueue(&self.pool, job).await.unwrap().id
    }

    /// Adds a job and waits for its completion.
    pub(crate) async fn run<J: JobArgs>(&self, job: &J) -> JobId {
        let id = self.add(job).await;
        self.completed(id).await;
        id
    }

    pub(crate) async fn completed(&self, id: JobId) {
        let job = wait_until("the job's end", || async move {
            let job = self.find(id).await;
            job.job.state.is_final().then_some(job)
        })
        .await;
        assert_eq!(job.job.state, State::Completed, "{:?} {:?}", job.job.error, job.attempts);
    }

    /// Waits for the completion of many jobs.
    pub(crate) async fn all_completed(&self, ids: &[JobId]) {
        wait_until_within(Duration::from_mins(3), "the jobs' end", || async {
            for id in ids {
                if !self.find(*id).await.job.state.is_final() {
                    return None;
                }
            }
            Some(())
        })
        .await;
        for id in ids {
            self.completed(*id).await;
        }
    }

    /// Waits for the `n`th ended attempt that did not complete the job; how it ended.
    pub(crate) async fn ended(&self, id: JobId, n: usize) -> inspect::AttemptView {
        wait_until("the end of an attempt", || async move {
            let attempts = self.find(id).await.attempts;
            let ended: Vec<_> = attempts.into_iter().filter(|a| a.ended_at.is_some()).collect();
            ended.into_iter().nth(n - 1)
        })
        .await
    }

    /// Makes a waiting job available now.
    pub(crate) async fn hurry(&self, id: JobId) {
        control::retry(&self.pool, id).await.unwrap();
    }

    pub(crate) async fn hurry_unless_final(&self, id: JobId) {
        if !self.find(id).await.job.state.is_final() {
            self.hurry(id).await;
        }
    }

    pub(crate) async fn find(&self, id: JobId) -> inspect::JobDetail {
        inspect::find(&self.pool, id).await.unwrap().unwrap()
    }

    /// Unique keys of all jobs of a kind, sorted.
    pub(crate) async fn keys_of<J: JobArgs>(&self) -> Vec<String> {
        let filter = inspect::JobFilter {
            kind: Some(J::KIND.to_owned()),
            limit: 500,
            ..inspect::JobFilter::default()
        };
        let jobs = inspect::list(&self.pool, &filter).await.unwrap().items;
        let mut keys: Vec<String> =
            jobs.into_iter().map(|j| j.unique_key.unwrap_or_default()).collect();
        keys.sort();
        keys
    }

    /// Waits until no job is available, running or soon due.
    pub(crate) async fn idle(&self) {
        // a round is some hundred jobs, and other tests want the machine too
        wait_until_within(Duration::from_mins(1), "an idle queue", || async {
            let busy: i64 = self
                .count(
                    "select count(*) from queue.job where state in ('available', 'running', 'parked')
                     or (state in ('scheduled', 'retryable') and due_at < now() + interval '30 s')",
                )
                .await;
            (busy == 0).then_some(())
        })
        .await;
    }

    /// Waits until every job of a kind has ended.
    pub(crate) async fn idle_of<J: JobArgs>(&self) {
        wait_until("the end of every job of a kind", || async {
            let open: i64 = sqlx::query_scalar(
                "select count(*) from queue.job
                 where kind = $1 and state not in ('completed', 'discarded', 'cancelled')",
            )
            .bind(J::KIND)
            .fetch_one(&self.pool)
            .await
            .unwrap();
            (open == 0).then_some(())
        })
        .await;
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    pub(crate) async fn words(&self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(&self.pool).await.unwrap()
    }

    pub(crate) async fn limit(&self, key: &str) -> inspect::LimitView {
        let limits = inspect::limits(&self.pool).await.unwrap();
        limits.into_iter().find(|limit| limit.key == key).unwrap()
    }

    /// Seconds until a key's park ends.
    pub(crate) async fn parked_for(&self, key: &str) -> f64 {
        let now = bellwether_store::now(&self.pool).await.unwrap();
        let until = self.limit(key).await.parked_until;
        until.map_or(0.0, |until| (until - now).as_seconds_f64())
    }

    /// Usage of a key's first window of a dimension.
    pub(crate) async fn used(&self, key: &str, dimension: &str) -> i64 {
        let limit = self.limit(key).await;
        limit.windows.iter().find(|w| w.dimension == dimension).unwrap().used
    }

    pub(crate) async fn fault(&self, fault: Value) {
        self.post("faults", fault).await;
    }

    pub(crate) async fn jump(&self, symbol: &str, percent: f64) -> Value {
        self.post("jump", json!({"symbol": symbol, "percent": percent})).await
    }

    async fn post(&self, what: &str, body: Value) -> Value {
        let url = format!("{}/_sandbox/{what}", self.sandbox.url());
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    async fn get(&self, what: &str) -> Value {
        let url = format!("{}/_sandbox/{what}", self.sandbox.url());
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }

    /// The referee's verdicts on the requests of a provider.
    pub(crate) async fn verdicts(&self, provider: &str) -> Vec<String> {
        let ledger = self.get(&format!("ledger?provider={provider}")).await;
        let items = ledger["items"].as_array().unwrap();
        items.iter().map(|item| item["verdict"].as_str().unwrap().to_owned()).collect()
    }

    /// Number of requests that a provider has received.
    pub(crate) async fn requests(&self, provider: &str) -> usize {
        let ledger = self.get(&format!("ledger?provider={provider}")).await;
        ledger["items"].as_array().unwrap().len()
    }

    /// Messages that reached people, by channel: sms, email, webhook.
    pub(crate) async fn outbox(&self, channel: &str) -> Vec<Value> {
        self.get("outbox").await[channel].as_array().unwrap().clone()
    }

    pub(crate) fn smtp_url(&self) -> String {
        self.sandbox.smtp_url().unwrap()
    }
}

pub(crate) fn access(url: &str, provider: &str) -> providers::Settings {
    providers::Settings {
        base_url: format!("{url}/{provider}").parse().unwrap(),
        key: KEY.to_owned().into(),
        timeout: Duration::from_secs(10),
    }
}

pub(crate) fn gemini(url: &str) -> Model {
    Model::new(&providers::gemini::ENTRY, access(url, "gemini"), "gemini-3.5-flash-lite")
}

pub(crate) fn openai(url: &str) -> Model {
    Model::new(&providers::openai::ENTRY, access(url, "openai/v1"), "llama")
}

pub(crate) fn texts(url: &str) -> Texts {
    let access = twilio::Settings {
        base_url: format!("{url}/twilio").parse().unwrap(),
        account_sid: "AC00000000000000000000000000000001".to_owned(),
        auth_token: "sandbox-token-4711".to_owned().into(),
        from: "+15005550006".to_owned(),
        timeout: Duration::from_secs(10),
    };
    Texts { access, to: vec!["+14155550100".to_owned()] }
}

pub(crate) fn mail(smtp_url: &str) -> Mail {
    let access = smtp::Settings {
        url: smtp_url.to_owned().into(),
        from: "bellwether@example.org".to_owned(),
        timeout: Duration::from_secs(10),
    };
    Mail { access, to: vec!["me@example.org".to_owned()] }
}

pub(crate) fn hook(url: &str) -> webhook::Settings {
    let url = format!("{url}/webhook/alerts").into();
    webhook::Settings { url, timeout: Duration::from_secs(10) }
}
