//! Options of the commands that do one thing and end.

use std::{path::PathBuf, time::Duration};

use bellwether_domain::Symbol;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};

use super::{DatabaseArgs, ProviderArgs};
use crate::analyzer::Which;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wait {
    /// Until the job has ended
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
    /// Kind: scrape_batch, scrape_quotes, scrape_news, analyze_article, derive_signal,
    /// evaluate_alerts, send_notification or prune
    pub(crate) kind: String,
    /// Arguments, as JSON
    #[arg(
        long,
        env = "BELLWETHER_ENQUEUE_ARGS",
        default_value = "{}",
        value_parser = parse_json
    )]
    pub(crate) args: serde_json::Value,
    /// Unique key: no second job of the kind with the same key is added
    #[arg(
        long,
        env = "BELLWETHER_ENQUEUE_UNIQUE_KEY",
        conflicts_with = "slot",
        value_parser = parse_unique_key
    )]
    pub(crate) unique_key: Option<String>,
    /// Earliest time to run, for example 2026-11-30T14:30:00Z
    #[arg(long, env = "BELLWETHER_ENQUEUE_AT", value_name = "TIME", value_parser = parse_time)]
    pub(crate) at: Option<DateTime<Utc>>,
    /// The unique key of the current slot of this length by the database's clock, for example 30m
    #[arg(long, env = "BELLWETHER_ENQUEUE_SLOT", value_parser = parse_slot)]
    pub(crate) slot: Option<Duration>,
    /// Follow the job to its end: exit 0 only if it completed; `--wait=batch`: its children too
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
    /// With `down`: undo every migration and lose all data; without it, only the newest
    #[arg(long, env = "BELLWETHER_MIGRATE_ALL")]
    pub(crate) all: bool,
    /// With `down --all`: do not ask for confirmation
    #[arg(long, env = "BELLWETHER_MIGRATE_YES")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Args)]
pub(crate) struct BackupArgs {
    /// File to write; `-` is stdout
    pub(crate) file: PathBuf,
    /// Replace an existing file, once the new one is complete
    #[arg(long, env = "BELLWETHER_BACKUP_OVERWRITE")]
    pub(crate) overwrite: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Args)]
pub(crate) struct RestoreArgs {
    /// File written by `backup`; `-` is stdin
    pub(crate) file: PathBuf,
    /// Replace the rows that the database holds now
    #[arg(long, env = "BELLWETHER_RESTORE_YES")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Args)]
pub(crate) struct WaitArgs {
    /// Wait until every migration of this version is applied, too
    #[arg(long, env = "BELLWETHER_WAIT_SCHEMA")]
    pub(crate) schema: bool,
    /// Give up after this time
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
    /// First session
    #[arg(long, env = "BELLWETHER_EVALUATE_FROM", value_name = "DAY")]
    pub(crate) from: Option<chrono::NaiveDate>,
    /// Last session
    #[arg(long, env = "BELLWETHER_EVALUATE_TO", value_name = "DAY")]
    pub(crate) to: Option<chrono::NaiveDate>,
    /// Seed of the placebo and the intervals; equal seeds give equal reports
    #[arg(long, env = "BELLWETHER_EVALUATE_SEED", default_value_t = 1)]
    pub(crate) seed: u64,
    /// One JSON document instead of text
    #[arg(long, env = "BELLWETHER_EVALUATE_JSON")]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Args)]
pub(crate) struct SentimentEvalArgs {
    /// CSV file with the columns text and label: negative, neutral or positive
    #[arg(long, env = "BELLWETHER_SENTIMENT_EVAL_DATASET", value_name = "CSV")]
    pub(crate) dataset: PathBuf,
    /// Analyzer of the texts
    #[arg(long, env = "BELLWETHER_SENTIMENT_EVAL_ANALYZER", value_enum, default_value_t)]
    pub(crate) analyzer: Which,
    /// One JSON document instead of text
    #[arg(long, env = "BELLWETHER_SENTIMENT_EVAL_JSON")]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) providers: ProviderArgs,
}

#[derive(Args)]
pub(crate) struct JobsArgs {
    #[command(subcommand)]
    pub(crate) action: JobsAction,
    /// One JSON document instead of text
    #[arg(long, env = "BELLWETHER_JOBS_JSON", global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Subcommand)]
pub(crate) enum JobsAction {
    /// List the newest jobs
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
        /// Most jobs to list
        #[arg(
            long,
            env = "BELLWETHER_JOBS_LIMIT",
            default_value_t = 50,
            value_parser = clap::value_parser!(u16).range(1..=500)
        )]
        limit: u16,
    },
    /// Show one job with its attempts
    Show(OneJob),
    /// Make a job available now
    Retry(OneJob),
    /// Cancel a job
    Cancel(OneJob),
    /// Show why a job is not running
    Why(OneJob),
}

#[derive(Args)]
pub(crate) struct OneJob {
    #[arg(value_parser = parse_id)]
    pub(crate) id: i64,
}

fn parse_id(text: &str) -> Result<i64, &'static str> {
    text.parse().map_err(|_| "a job's id is a whole number, as `jobs list` shows it")
}

#[derive(Args)]
pub(crate) struct LimitsArgs {
    #[command(subcommand)]
    pub(crate) action: LimitsAction,
    /// One JSON document instead of text, in the form of the API
    #[arg(long, env = "BELLWETHER_LIMITS_JSON", global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Subcommand)]
pub(crate) enum LimitsAction {
    /// List every limit key with its usage, and its park with the reason
    List,
    /// Park a key on every worker, for 30 days or the given time; a longer park is kept
    Park {
        key: String,
        /// Duration, for example 30m; at most 30d
        #[arg(
            long = "for",
            env = "BELLWETHER_LIMITS_FOR",
            value_name = "TIME",
            value_parser = parse_park,
            conflicts_with = "until"
        )]
        span: Option<Duration>,
        /// End, for example 2026-11-30T14:30:00Z; at most 30 days away
        #[arg(
            long,
            env = "BELLWETHER_LIMITS_UNTIL",
            value_name = "TIME",
            value_parser = parse_time
        )]
        until: Option<DateTime<Utc>>,
        /// Reason, shown beside the key
        #[arg(long, env = "BELLWETHER_LIMITS_REASON", value_parser = parse_reason)]
        reason: Option<String>,
    },
    /// End a park
    Resume { key: String },
}

/// Longest park.
pub(crate) const LONGEST_PARK: Duration = Duration::from_hours(24 * 30);

fn parse_park(text: &str) -> Result<Duration, String> {
    let span = humantime::parse_duration(text).map_err(|e| e.to_string())?;
    let fits = (Duration::from_secs(1)..=LONGEST_PARK).contains(&span);
    fits.then_some(span).ok_or_else(|| "a park lasts 1s to 30d".to_owned())
}

fn parse_reason(text: &str) -> Result<String, &'static str> {
    let fits = (1..=200).contains(&text.chars().count()) && !text.contains('\0');
    fits.then(|| text.to_owned()).ok_or("a reason has 1 to 200 characters")
}

fn parse_json(text: &str) -> Result<serde_json::Value, String> {
    serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))
}

fn parse_time(text: &str) -> Result<DateTime<Utc>, String> {
    let no = |_| "a time is written as in 2026-11-30T14:30:00Z".to_owned();
    DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).map_err(no)
}
