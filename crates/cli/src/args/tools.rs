//! The options of what does one thing and ends.

use std::{path::PathBuf, time::Duration};

use bellwether_domain::Symbol;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum, builder::BoolishValueParser};

use super::{DatabaseArgs, ProviderArgs};
use crate::analyzer::Which;

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
    #[arg(
        long,
        env = "BELLWETHER_ENQUEUE_ARGS",
        default_value = "{}",
        value_parser = parse_json
    )]
    pub(crate) args: serde_json::Value,
    /// Names the occasion: a second job of the kind for it is not added
    #[arg(
        long,
        env = "BELLWETHER_ENQUEUE_UNIQUE_KEY",
        conflicts_with = "slot",
        value_parser = parse_unique_key
    )]
    pub(crate) unique_key: Option<String>,
    /// Not before this time, for example 2026-11-30T14:30:00Z
    #[arg(long, env = "BELLWETHER_ENQUEUE_AT", value_name = "TIME", value_parser = parse_time)]
    pub(crate) at: Option<DateTime<Utc>>,
    /// The unique key of the current slot of this length by the database's clock, for example 30m
    #[arg(long, env = "BELLWETHER_ENQUEUE_SLOT", value_parser = parse_slot)]
    pub(crate) slot: Option<Duration>,
    /// Follow it to its end: exit 0 only if it completed; `--wait=batch`: its children too
    #[arg(
        long,
        env = "BELLWETHER_ENQUEUE_WAIT",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "job"
    )]
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
    #[arg(long, env = "BELLWETHER_MIGRATE_ALL", value_parser = BoolishValueParser::new())]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Args)]
pub(crate) struct WaitArgs {
    /// Also until every migration of this version is applied
    #[arg(long, env = "BELLWETHER_WAIT_SCHEMA", value_parser = BoolishValueParser::new())]
    pub(crate) schema: bool,
    /// Give up after this long
    #[arg(
        long,
        env = "BELLWETHER_WAIT_TIMEOUT",
        default_value = "5m",
        value_parser = humantime::parse_duration
    )]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Args)]
pub(crate) struct EvaluateArgs {
    /// Only these symbols, separated by commas; ten or more are ranked day by day
    #[arg(long, env = "BELLWETHER_EVALUATE_SYMBOLS", value_delimiter = ',')]
    pub(crate) symbols: Vec<Symbol>,
    /// Only this version of the formula, for example composite/1
    #[arg(long, env = "BELLWETHER_EVALUATE_FORMULA")]
    pub(crate) formula: Option<String>,
    /// From the session of this day on
    #[arg(long, env = "BELLWETHER_EVALUATE_FROM", value_name = "DAY")]
    pub(crate) from: Option<chrono::NaiveDate>,
    /// To the session of this day
    #[arg(long, env = "BELLWETHER_EVALUATE_TO", value_name = "DAY")]
    pub(crate) to: Option<chrono::NaiveDate>,
    /// Deals the placebo and the intervals: equal seeds give equal reports
    #[arg(long, env = "BELLWETHER_EVALUATE_SEED", default_value_t = 1)]
    pub(crate) seed: u64,
    /// One JSON document instead of text
    #[arg(long, env = "BELLWETHER_EVALUATE_JSON", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Args)]
pub(crate) struct SentimentEvalArgs {
    /// A CSV file with the columns text and label: negative, neutral or positive
    #[arg(long, env = "BELLWETHER_SENTIMENT_EVAL_DATASET", value_name = "CSV")]
    pub(crate) dataset: PathBuf,
    /// Who reads the texts
    #[arg(long, env = "BELLWETHER_SENTIMENT_EVAL_ANALYZER", value_enum, default_value_t)]
    pub(crate) analyzer: Which,
    /// One JSON document instead of text
    #[arg(long, env = "BELLWETHER_SENTIMENT_EVAL_JSON", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) providers: ProviderArgs,
}

#[derive(Args)]
pub(crate) struct JobsArgs {
    #[command(subcommand)]
    pub(crate) action: JobsAction,
    /// One JSON document instead of text
    #[arg(
        long,
        env = "BELLWETHER_JOBS_JSON",
        value_parser = BoolishValueParser::new(),
        global = true
    )]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Subcommand)]
pub(crate) enum JobsAction {
    /// The newest jobs
    List {
        /// Only jobs in this state
        #[arg(long, env = "BELLWETHER_JOBS_STATE")]
        state: Option<bellwether_queue::State>,
        /// Only jobs of this kind
        #[arg(long, env = "BELLWETHER_JOBS_KIND")]
        kind: Option<String>,
        /// Only jobs of this queue
        #[arg(long, env = "BELLWETHER_JOBS_QUEUE")]
        queue: Option<String>,
        /// Text in the arguments, the unique key or the last error
        #[arg(long, short, env = "BELLWETHER_JOBS_Q")]
        q: Option<String>,
        /// At most so many
        #[arg(
            long,
            env = "BELLWETHER_JOBS_LIMIT",
            default_value_t = 50,
            value_parser = clap::value_parser!(u16).range(1..=500)
        )]
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

fn parse_json(text: &str) -> Result<serde_json::Value, String> {
    serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))
}

fn parse_time(text: &str) -> Result<DateTime<Utc>, String> {
    let no = |_| "a time is written as in 2026-11-30T14:30:00Z".to_owned();
    DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).map_err(no)
}
