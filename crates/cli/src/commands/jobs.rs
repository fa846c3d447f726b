//! `bellwether jobs`: the job monitor in a terminal.

use std::time::Duration;

use anyhow::{Context, bail};
use bellwether_api::{job_detail, job_page};
use bellwether_queue::{
    Db, JobId, State, audit,
    bulk::{self, Action, Progress},
    control::{self, Commanded},
    inspect::{self, AttemptView, JobDetail, JobFilter, JobView},
};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    args::value::{parse_id, parse_state, parse_time},
    database::{Database, DatabaseArgs},
    misuse::{Misuse, misused},
    out::{confirm, plain, say, table},
    watch::{self, Watch},
};

/// Interval of the progress lines of a bulk command.
const PROGRESS: Duration = Duration::from_secs(2);

#[derive(Args)]
pub(crate) struct JobsArgs {
    #[command(subcommand)]
    action: JobsAction,
    /// One JSON document instead of text
    #[arg(long, env = "BELLWETHER_JOBS_JSON", global = true)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Subcommand)]
enum JobsAction {
    /// List the newest jobs
    List {
        #[command(flatten)]
        filter: Filter,
        /// Only jobs with a smaller id, for the next page
        #[arg(long, env = "BELLWETHER_JOBS_BEFORE", value_name = "ID", value_parser = parse_id)]
        before: Option<i64>,
        /// Most jobs to list
        #[arg(
            long,
            env = "BELLWETHER_JOBS_LIMIT",
            default_value_t = 50,
            value_parser = clap::value_parser!(u16).range(1..=500)
        )]
        limit: u16,
        #[command(flatten)]
        watch: Watch,
    },
    /// Show one job with its attempts
    Show(OneJob),
    /// Make a job, or every job that a filter selects, available now
    Retry(Many),
    /// Cancel a job, or every job that a filter selects
    Cancel(Many),
    /// Show why a job is not running
    Why(OneJob),
}

#[derive(Args)]
struct OneJob {
    #[arg(value_parser = parse_id)]
    id: i64,
}

/// Selects jobs; all conditions must hold.
#[derive(Args)]
struct Filter {
    /// Only jobs in this state; `failed` stands for discarded
    #[arg(long, env = "BELLWETHER_JOBS_STATE", value_parser = parse_state)]
    state: Option<State>,
    /// Only jobs of this kind
    #[arg(long, env = "BELLWETHER_JOBS_KIND", value_parser = parse_kind)]
    kind: Option<String>,
    /// Only jobs of this queue
    #[arg(long, env = "BELLWETHER_JOBS_QUEUE")]
    queue: Option<String>,
    /// Only jobs with this tag
    #[arg(long, env = "BELLWETHER_JOBS_TAG")]
    tag: Option<String>,
    /// Text in the arguments, the unique key or the last error
    #[arg(long, short, env = "BELLWETHER_JOBS_Q")]
    q: Option<String>,
    /// Created at or after, for example 2026-11-30T14:30:00Z
    #[arg(long, env = "BELLWETHER_JOBS_FROM", value_name = "TIME", value_parser = parse_time)]
    from: Option<DateTime<Utc>>,
    /// Created before
    #[arg(long, env = "BELLWETHER_JOBS_TO", value_name = "TIME", value_parser = parse_time)]
    to: Option<DateTime<Utc>>,
}

#[derive(Args)]
struct Many {
    /// The job; without an id, a filter selects the jobs
    #[arg(value_parser = parse_id)]
    id: Option<i64>,
    #[command(flatten)]
    filter: Filter,
    /// With a filter: print the number of the jobs, and change none
    #[arg(long, env = "BELLWETHER_JOBS_DRY_RUN")]
    dry_run: bool,
    /// With a filter: do not ask for confirmation
    #[arg(long, env = "BELLWETHER_JOBS_YES")]
    yes: bool,
}

impl Many {
    /// The filter, or `None` with an id. Both, or neither, is wrong usage.
    fn selection(&self) -> Result<Option<bulk::Filter>, Misuse> {
        let Filter { state, kind, queue, tag, q, from, to } = &self.filter;
        let filter = bulk::Filter {
            state: *state,
            kind: kind.clone(),
            queue: queue.clone(),
            tag: tag.clone(),
            q: q.clone(),
            from: *from,
            to: *to,
            ids: None,
        };
        match (self.id, filter == bulk::Filter::default()) {
            (Some(_), true) if !self.dry_run => Ok(None),
            (Some(_), _) => misused!("a job's id takes neither a filter nor --dry-run"),
            (None, true) => {
                misused!("name a job's id, or a filter: for example --state discarded --kind prune")
            }
            (None, false) => Ok(Some(filter)),
        }
    }
}

fn parse_kind(text: &str) -> Result<String, String> {
    let registry = bellwether_jobs::registry();
    if registry.get(text).is_some() {
        return Ok(text.to_owned());
    }
    let kinds: Vec<&str> = registry.kinds().map(|kind| kind.name).collect();
    Err(format!("the kinds are {}", kinds.join(", ")))
}

pub(crate) async fn run(args: JobsArgs) -> anyhow::Result<bool> {
    let selection = match &args.action {
        JobsAction::Retry(many) | JobsAction::Cancel(many) => many.selection()?,
        _ => None,
    };
    Database::using(&args.database, async |database| {
        act(&database.pool, args.action, selection, args.json).await
    })
    .await
}

async fn act(
    pool: &Db,
    action: JobsAction,
    selection: Option<bulk::Filter>,
    json: bool,
) -> anyhow::Result<bool> {
    match action {
        JobsAction::List { filter, before, limit, watch } => {
            let Filter { state, kind, queue, tag, q, from, to } = filter;
            let before = before.map(JobId);
            let args_limit = None;
            let filter =
                JobFilter { state, kind, queue, tag, q, from, to, before, limit, args_limit };
            return watch
                .show(async || {
                    let page = inspect::list(pool, &filter).await?;
                    if json {
                        return watch::json(&job_page(page));
                    }
                    if let Some(next) = page.next.filter(|_| !watch.watch) {
                        eprintln!("bellwether: --before {next} lists the next page");
                    }
                    Ok(table(&HEAD, page.items.iter().map(row)))
                })
                .await;
        }
        JobsAction::Show(OneJob { id }) => match inspect::find(pool, JobId(id)).await? {
            Some(found) if json => say!("{}", serde_json::to_string(&job_detail(found))?)?,
            Some(found) => show(&found)?,
            None => bail!("there is no job {id}"),
        },
        JobsAction::Retry(many) => {
            return command(pool, &many, selection, Action::Retry, json).await;
        }
        JobsAction::Cancel(many) => {
            return command(pool, &many, selection, Action::Cancel, json).await;
        }
        JobsAction::Why(OneJob { id }) => match inspect::why(pool, JobId(id)).await? {
            None => bail!("there is no job {id}"),
            Some(why) if json => say!(
                "{}",
                json!({"id": id.to_string(), "state": why.state, "reason": why.reason, "key": why.key,
                    "dimension": why.dimension, "position": why.position,
                    "estimated_start_at": why.estimated_start_at})
            )?,
            Some(why) => {
                say!("{}: {}", why.state, plain(&why.reason))?;
                if let Some(position) = why.position {
                    say!("jobs ahead of it: {position}")?;
                }
                if let Some(at) = why.estimated_start_at {
                    say!("estimated start: {}", at.format("%FT%TZ"))?;
                }
            }
        },
    }
    Ok(true)
}

async fn command(
    pool: &Db,
    many: &Many,
    selection: Option<bulk::Filter>,
    action: Action,
    json: bool,
) -> anyhow::Result<bool> {
    match (many.id, selection) {
        (_, Some(filter)) => bulk(pool, many, &filter, action, json).await,
        (Some(id), None) => one(pool, id, action, json).await,
        (None, None) => bail!("no job is selected"),
    }
}

/// Carries out a command and adds it to the audit, in one transaction.
async fn one(pool: &Db, id: i64, action: Action, json: bool) -> anyhow::Result<bool> {
    let before = inspect::find(pool, JobId(id)).await?.map(|found| found.job);
    let before =
        before.map(|job| json!({"state": job.state, "kind": job.kind, "attempt": job.attempt}));
    let mut tx = pool.begin().await?;
    let (done, name, verb) = match action {
        Action::Retry => (control::retry(&mut *tx, JobId(id)).await?, "job.retry", "retried"),
        _ => (control::cancel(&mut *tx, JobId(id)).await?, "job.cancel", "cancelled"),
    };
    if let Commanded::Done(state) = done {
        let detail = json!({"before": before, "after": {"state": state}});
        audit::add(&mut *tx, "cli", name, &id.to_string(), &detail).await?;
    }
    tx.commit().await?;
    let (applied, state) = match done {
        Commanded::NotFound => bail!("there is no job {id}"),
        Commanded::Done(state) => (true, state),
        Commanded::NotApplicable(state) => (false, state),
    };
    if json {
        say!("{}", json!({"id": id.to_string(), "applied": applied, "state": state}))?;
    } else if applied {
        say!("job {id} is {state}")?;
    } else {
        eprintln!("bellwether: job {id} is {state} and cannot be {verb}");
    }
    Ok(applied)
}

/// Counts the selected jobs, asks, and carries out the command in steps, which workers continue if
/// this process ends.
async fn bulk(
    pool: &Db,
    many: &Many,
    filter: &bulk::Filter,
    action: Action,
    json: bool,
) -> anyhow::Result<bool> {
    let verb = action.as_str();
    let matched = bulk::count(pool, action, filter).await?;
    if many.dry_run {
        if json {
            say!("{}", json!({"id": null, "action": verb, "dry_run": true, "matched": matched}))?;
        } else {
            say!("`jobs {verb}` would change {matched} jobs")?;
        }
        return Ok(true);
    }
    if matched > 0 && !many.yes {
        confirm(&format!("`jobs {verb}` changes {matched} jobs"), "BELLWETHER_JOBS_YES")?;
    }
    let mut tx = pool.begin().await?;
    let id = bulk::begin(&mut tx, action, filter, "cli").await?.id;
    tx.commit().await?;
    let done = loop {
        let bulk = bulk::go_on(pool, id, PROGRESS).await?;
        let bulk = bulk.with_context(|| format!("bulk command {id} is gone"))?;
        if bulk.state != Progress::Running {
            break bulk;
        }
        tracing::info!("{} of {} jobs", bulk.changed + bulk.skipped, bulk.matched);
    };
    let (changed, skipped, is_done) = (done.changed, done.skipped, done.state == Progress::Done);
    let state = if is_done { "done" } else { "cancelled" };
    if json {
        say!(
            "{}",
            json!({"id": id.to_string(), "action": verb, "dry_run": false, "matched": done.matched,
                "changed": changed, "skipped": skipped, "state": state})
        )?;
    } else {
        say!(
            "`jobs {verb}` is {state}: {changed} of {} jobs changed, {skipped} skipped",
            done.matched
        )?;
    }
    Ok(is_done)
}

const HEAD: [&str; 7] = ["ID", "STATE", "KIND", "ATTEMPTS", "CREATED", "DUE", "LAST ERROR"];

fn row(job: &JobView) -> Vec<String> {
    let error = job.error.as_deref().unwrap_or_default().chars().take(80).collect();
    let due = job.due_at.filter(|_| matches!(job.state, State::Scheduled | State::Retryable));
    vec![
        job.id.to_string(),
        job.state.to_string(),
        job.kind.clone(),
        format!("{}/{}", job.attempt, job.max_attempts),
        job.created_at.format("%FT%TZ").to_string(),
        due.map_or_else(|| "-".to_owned(), |at| at.format("%FT%TZ").to_string()),
        error,
    ]
}

fn show(found: &JobDetail) -> std::io::Result<()> {
    let job = &found.job;
    std::io::Write::write_all(&mut std::io::stdout().lock(), table(&HEAD, [row(job)]).as_bytes())?;
    say!("queue {}, lane {}, priority {}", job.queue, plain(&job.lane), job.priority)?;
    say!("arguments {}", plain(&job.args.to_string()))?;
    if let Some(key) = &job.unique_key {
        say!("unique key {}", plain(key))?;
    }
    if let Some(due) = job.due_at {
        say!("due {}", due.format("%FT%TZ"))?;
    }
    for attempt in &found.attempts {
        say!("{}", attempt_line(attempt))?;
        for line in &attempt.log {
            say!("    {}", plain(line))?;
        }
    }
    for (name, others) in [("waits for", &found.waits_for), ("waited for by", &found.waited_by)] {
        for other in others {
            say!("{name} {} {} {}", other.id, other.kind, other.state)?;
        }
    }
    if let Some(batch) = &found.batch {
        let (done, failed, total) = (batch.done, batch.failed, batch.total);
        say!("batch {} {}: {done} of {total} done, {failed} failed", batch.id, plain(&batch.name))?;
    }
    for (name, ids) in [("parents", &found.parents), ("children", &found.children)] {
        if !ids.is_empty() {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            say!("{name} {}", ids.join(" "))?;
        }
    }
    Ok(())
}

fn attempt_line(a: &AttemptView) -> String {
    let ended = a.ended_at.map_or_else(|| "now".to_owned(), |t| t.format("%TZ").to_string());
    let started = a.started_at.format("%FT%TZ");
    let error = a.error.as_deref().map(|e| format!(": {}", plain(e))).unwrap_or_default();
    format!("attempt {} {} on {} from {started} to {ended}{error}", a.number, a.outcome, a.worker)
}
