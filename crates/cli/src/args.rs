//! The command line: every option with its environment variable.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use bellwether_api::Tokens;
use bellwether_domain::Symbol;
use bellwether_jobs::Plan;
use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};
use secrecy::SecretString;
use url::Url;

use crate::analyzer::Which;

/// Market data and news in, trading signals and alerts out.
#[derive(Parser)]
#[command(name = "bellwether", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) log: LogArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process: database, sandbox where a key is missing, workers, API
    Up(UpArgs),
    /// Serve the HTTP API, its events and the page
    Api(ApiArgs),
    /// Run one worker role and serve its HTTP port (scraper 5000, analyzer 5001, alert 5002)
    Worker(WorkerArgs),
    /// Add a job and print its id
    Enqueue(EnqueueArgs),
    /// Bring the database to this version's schema, back, or say where it stands
    Migrate(MigrateArgs),
    /// Wait until the database answers
    Wait(WaitArgs),
    /// Run the provider sandbox alone
    Sandbox(SandboxArgs),
    /// Look at jobs, retry and cancel them
    Jobs(JobsArgs),
    /// Say how good the stored signals have been, against chance
    Evaluate(EvaluateArgs),
    /// Score an analyzer on texts whose label is known
    SentimentEval(SentimentEvalArgs),
    /// Make one decision of the pipeline for each line of JSON on stdin; nothing is stored
    #[command(subcommand)]
    Try(crate::decide::What),
    /// Print the API's description
    Openapi,
}

impl Command {
    /// What this process is among others, in traces.
    pub(crate) fn role(&self) -> &'static str {
        match self {
            Self::Up(_) => "up",
            Self::Api(_) => "api",
            Self::Worker(args) => match args.role {
                Role::Scraper => "scraper",
                Role::Analyzer => "analyzer",
                Role::Alert => "alert",
            },
            _ => "cli",
        }
    }
}

#[derive(Args)]
pub(crate) struct LogArgs {
    /// How log lines look; they go to stderr
    #[arg(long, env = "BELLWETHER_LOG_FORMAT", value_enum, default_value = "text", global = true)]
    pub(crate) log_format: LogFormat,
    /// Which log lines, as `tracing` filters them, for example `info,bellwether_queue=debug`
    #[arg(
        long,
        env = "RUST_LOG",
        default_value = "info,sqlx::postgres::notice=warn",
        global = true
    )]
    pub(crate) log_filter: String,
    /// A collector that takes traces by OTLP over HTTP; without it none are exported
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", global = true)]
    pub(crate) otlp_endpoint: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Args, Clone)]
pub(crate) struct DatabaseArgs {
    /// The primary; without it, PostgreSQL is started on the data folder
    #[arg(long, env, hide_env_values = true)]
    pub(crate) database_url: Option<SecretString>,
    /// A replica for the product's read routes
    #[arg(long, env, hide_env_values = true)]
    pub(crate) database_read_url: Option<SecretString>,
    /// For LISTEN, migrations and locks, when the primary is behind a transaction pooler
    #[arg(long, env, hide_env_values = true)]
    pub(crate) database_direct_url: Option<SecretString>,
    /// Whether workers are woken by NOTIFY; without it they find jobs by looking every second
    #[arg(long, env, default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) database_listen: bool,
    /// Where the embedded PostgreSQL keeps its data
    #[arg(long, env = "BELLWETHER_DATA_DIR", default_value = ".bellwether")]
    pub(crate) data_dir: PathBuf,
    /// The folder of `postgres` and `initdb`, when they are in none of the usual places
    #[arg(long, env = "BELLWETHER_PG_BIN")]
    pub(crate) pg_bin: Option<PathBuf>,
    /// Where programs are looked for
    #[arg(long, env = "PATH", hide = true)]
    pub(crate) path: Option<std::ffi::OsString>,
    /// Most connections of this process
    #[arg(long, env = "BELLWETHER_DATABASE_CONNECTIONS", default_value_t = 16, value_parser = clap::value_parser!(u32).range(4..=1000))]
    pub(crate) database_connections: u32,
}

#[derive(Args, Clone)]
pub(crate) struct HttpArgs {
    /// Where to listen
    #[arg(long, env = "BELLWETHER_HTTP_ADDR")]
    pub(crate) http_addr: Option<SocketAddr>,
    /// Who may do what: role:token, separated by commas; roles are viewer, operator, admin
    #[arg(
        long,
        env = "BELLWETHER_API_TOKENS",
        hide_env_values = true,
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) api_tokens: Tokens,
}

#[derive(Args, Clone)]
pub(crate) struct WatchArgs {
    /// The watchlist, separated by commas
    #[arg(
        long,
        env = "BELLWETHER_SYMBOLS",
        value_delimiter = ',',
        default_value = "AAPL,MSFT,GOOGL,AMZN,TSLA"
    )]
    pub(crate) symbols: Vec<Symbol>,
    /// Days for which quotes and bars are kept
    #[arg(long, env = "BELLWETHER_KEEP_PRICES", default_value_t = 400, value_parser = clap::value_parser!(u16).range(7..))]
    pub(crate) keep_prices: u16,
    /// Days for which signals are kept, with all prices and articles that they are made of
    #[arg(long, env = "BELLWETHER_KEEP_SIGNALS", default_value_t = 400, value_parser = clap::value_parser!(u16).range(7..))]
    pub(crate) keep_signals: u16,
    /// Days for which articles and their readings are kept
    #[arg(long, env = "BELLWETHER_KEEP_ARTICLES", default_value_t = 180, value_parser = clap::value_parser!(u16).range(7..))]
    pub(crate) keep_articles: u16,
}

#[derive(Args, Clone)]
pub(crate) struct ProviderArgs {
    #[arg(long, env, hide_env_values = true)]
    pub(crate) alpha_vantage_api_key: Option<SecretString>,
    #[arg(long, env)]
    pub(crate) alpha_vantage_base_url: Option<Url>,
    #[arg(long, env, hide_env_values = true)]
    pub(crate) newsapi_api_key: Option<SecretString>,
    #[arg(long, env)]
    pub(crate) newsapi_base_url: Option<Url>,
    #[arg(long, env, hide_env_values = true)]
    pub(crate) gemini_api_key: Option<SecretString>,
    #[arg(long, env)]
    pub(crate) gemini_base_url: Option<Url>,
    /// Which Gemini model reads articles
    #[arg(long, env, default_value = "gemini-3.5-flash-lite")]
    pub(crate) gemini_model: String,
    /// A server that speaks OpenAI's chat completions
    #[arg(long, env)]
    pub(crate) openai_base_url: Option<Url>,
    #[arg(long, env, hide_env_values = true)]
    pub(crate) openai_api_key: Option<SecretString>,
    #[arg(long, env)]
    pub(crate) openai_model: Option<String>,
    /// US dollars for a million tokens that Gemini reads; 0 on a free plan
    #[arg(long, env, default_value_t = 0.0, value_parser = parse_price)]
    pub(crate) gemini_price_input: f64,
    /// US dollars for a million tokens that Gemini writes; 0 on a free plan
    #[arg(long, env, default_value_t = 0.0, value_parser = parse_price)]
    pub(crate) gemini_price_output: f64,
    /// US dollars for a million tokens that the OpenAI-compatible server reads
    #[arg(long, env, default_value_t = 0.0, value_parser = parse_price)]
    pub(crate) openai_price_input: f64,
    /// US dollars for a million tokens that the OpenAI-compatible server writes
    #[arg(long, env, default_value_t = 0.0, value_parser = parse_price)]
    pub(crate) openai_price_output: f64,
    /// A Gemini model that reads while the first one is away; its quota is its own
    #[arg(long, env)]
    pub(crate) gemini_fallback_model: Option<String>,
    /// What the Alpha Vantage plan allows
    #[arg(long, env, default_value = Plan::ALPHA_VANTAGE)]
    pub(crate) alpha_vantage_limits: Plan,
    /// What the NewsAPI plan allows
    #[arg(long, env, default_value = Plan::NEWSAPI)]
    pub(crate) newsapi_limits: Plan,
    /// What the Gemini plan allows each model, for example
    /// `15/1m, 250000 tokens/1m, 500/day America/Los_Angeles`
    #[arg(long, env, default_value = Plan::GEMINI)]
    pub(crate) gemini_limits: Plan,
    /// What all Gemini models together may use, for example `5 usd/day America/Los_Angeles`
    #[arg(long, env)]
    pub(crate) gemini_account_limits: Option<Plan>,
    /// What the OpenAI-compatible server allows
    #[arg(long, env, default_value = Plan::OPENAI)]
    pub(crate) openai_limits: Plan,
    /// Ask Alpha Vantage for a new share's whole history, which the free plan does not include
    #[arg(long, env)]
    pub(crate) alpha_vantage_full_history: bool,
    #[arg(long, env)]
    pub(crate) twilio_account_sid: Option<String>,
    #[arg(long, env, hide_env_values = true)]
    pub(crate) twilio_auth_token: Option<SecretString>,
    #[arg(long, env)]
    pub(crate) twilio_from: Option<String>,
    #[arg(long, env)]
    pub(crate) twilio_base_url: Option<Url>,
    /// Who gets text messages, separated by commas
    #[arg(long, env, value_delimiter = ',')]
    pub(crate) alert_sms_to: Vec<String>,
    #[arg(long, env, hide_env_values = true)]
    pub(crate) smtp_url: Option<SecretString>,
    #[arg(long, env)]
    pub(crate) alert_email_from: Option<String>,
    /// Who gets mail, separated by commas
    #[arg(long, env, value_delimiter = ',')]
    pub(crate) alert_email_to: Vec<String>,
    /// An address that gets each alert as JSON by POST
    #[arg(long, env, hide_env_values = true)]
    pub(crate) alert_webhook_url: Option<SecretString>,
}

#[derive(Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) http: HttpArgs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    #[command(flatten)]
    pub(crate) providers: ProviderArgs,
    #[command(flatten)]
    pub(crate) sandbox: SandboxArgs,
}

#[derive(Args)]
pub(crate) struct ApiArgs {
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) http: HttpArgs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    #[command(flatten)]
    pub(crate) providers: ProviderArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub(crate) enum Role {
    Scraper,
    Analyzer,
    Alert,
}

#[derive(Args)]
pub(crate) struct WorkerArgs {
    /// Which queues: scraper works scraper and maintenance
    #[arg(value_enum)]
    pub(crate) role: Role,
    /// Attempts at a time in each queue
    #[arg(long, env = "BELLWETHER_CONCURRENCY", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) concurrency: u16,
    /// How long running jobs may go on after SIGTERM
    #[arg(long, env = "BELLWETHER_GRACE", default_value = "25s", value_parser = humantime::parse_duration)]
    pub(crate) grace: Duration,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) http: HttpArgs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    #[command(flatten)]
    pub(crate) providers: ProviderArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wait {
    /// Until the job itself has ended
    Job,
    /// Until its children have ended too
    Batch,
}

fn parse_unique_key(key: &str) -> Result<String, &'static str> {
    let fits = (1..=255).contains(&key.len()) && !key.contains('\0');
    fits.then(|| key.to_owned()).ok_or("a unique key has 1 to 255 bytes")
}

fn parse_slot(text: &str) -> Result<Duration, String> {
    let slot = humantime::parse_duration(text).map_err(|e| e.to_string())?;
    if slot < Duration::from_secs(1) {
        return Err("a slot lasts at least a second".to_owned());
    }
    Ok(slot)
}

#[derive(Args)]
pub(crate) struct EnqueueArgs {
    /// scrape_batch, scrape_quotes, scrape_news, analyze_article, derive_signal,
    /// evaluate_alerts, send_notification or prune
    pub(crate) kind: String,
    /// The arguments, as JSON
    #[arg(long, default_value = "{}", value_parser = parse_json)]
    pub(crate) args: serde_json::Value,
    /// Names the occasion: a second job of the kind for it is not added
    #[arg(long, conflicts_with = "slot", value_parser = parse_unique_key)]
    pub(crate) unique_key: Option<String>,
    /// Not before this time (RFC 3339)
    #[arg(long)]
    pub(crate) at: Option<DateTime<Utc>>,
    /// The unique key of the current slot of this length by the database's clock, for example 30m
    #[arg(long, value_parser = parse_slot)]
    pub(crate) slot: Option<Duration>,
    /// Follow it to its end: exit 0 only if it completed; `--wait=batch`: its children too
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "job")]
    pub(crate) wait: Option<Wait>,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Direction {
    Up,
    Down,
    Status,
}

#[derive(Args)]
pub(crate) struct MigrateArgs {
    #[arg(value_enum)]
    pub(crate) direction: Direction,
    /// With `down`: undo every migration and lose all data; without it, the newest is undone
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Args)]
pub(crate) struct WaitArgs {
    /// Also until every migration of this version is applied
    #[arg(long)]
    pub(crate) schema: bool,
    /// Give up after this long
    #[arg(long, default_value = "5m", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Args, Clone)]
pub(crate) struct SandboxArgs {
    /// Where the sandbox answers
    #[arg(
        long = "sandbox-addr",
        env = "BELLWETHER_SANDBOX_ADDR",
        default_value = "127.0.0.1:4010"
    )]
    pub(crate) addr: SocketAddr,
    /// Where the sandbox takes mail
    #[arg(
        long = "sandbox-smtp-addr",
        env = "BELLWETHER_SANDBOX_SMTP_ADDR",
        default_value = "127.0.0.1:4025"
    )]
    pub(crate) smtp_addr: SocketAddr,
    /// Equal seeds give equal prices and stories
    #[arg(long = "sandbox-seed", env = "BELLWETHER_SANDBOX_SEED", default_value_t = 42)]
    pub(crate) seed: u64,
}

#[derive(Args)]
pub(crate) struct EvaluateArgs {
    /// Only these symbols, separated by commas; ten or more are ranked day by day
    #[arg(long, value_delimiter = ',')]
    pub(crate) symbols: Vec<Symbol>,
    /// Only this version of the formula, for example composite/1
    #[arg(long)]
    pub(crate) formula: Option<String>,
    /// From the session of this day on
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<chrono::NaiveDate>,
    /// To the session of this day
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Option<chrono::NaiveDate>,
    /// Deals the placebo and the intervals: equal seeds give equal reports
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// One JSON document instead of text
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Args)]
pub(crate) struct SentimentEvalArgs {
    /// A CSV file with the columns text and label: negative, neutral or positive
    #[arg(long, value_name = "CSV")]
    pub(crate) dataset: PathBuf,
    /// Who reads the texts
    #[arg(long, value_enum, default_value_t)]
    pub(crate) analyzer: Which,
    /// One JSON document instead of text
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) providers: ProviderArgs,
}

#[derive(Args)]
pub(crate) struct JobsArgs {
    #[command(subcommand)]
    pub(crate) action: JobsAction,
    /// One JSON document instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Subcommand)]
pub(crate) enum JobsAction {
    /// The newest jobs
    List {
        #[arg(long)]
        state: Option<bellwether_queue::State>,
        #[arg(long)]
        kind: Option<String>,
        #[arg(long)]
        queue: Option<String>,
        /// Text in the arguments, the unique key or the last error
        #[arg(long, short)]
        q: Option<String>,
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
        limit: u16,
    },
    /// One job with its attempts
    Show { id: i64 },
    /// Make a job available now
    Retry { id: i64 },
    /// Call a job off
    Cancel { id: i64 },
    /// Why a job is not running
    Why { id: i64 },
}

fn parse_price(text: &str) -> Result<f64, String> {
    let price: f64 = text.trim().parse().map_err(|_| "not a number".to_owned())?;
    if price.is_finite() && price >= 0.0 { Ok(price) } else { Err("less than nothing".to_owned()) }
}

fn parse_json(text: &str) -> Result<serde_json::Value, String> {
    serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))
}

/// Reads `.env` from the working folder, where there is one. Variables that are set already stay.
pub(crate) fn load_dotenv() -> anyhow::Result<()> {
    match dotenvy::from_path(".env") {
        Err(dotenvy::Error::Io(e)) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.context("cannot read .env"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
