//! `bellwether jobs`: the job monitor in a terminal.

use anyhow::bail;
use bellwether_api::{job_detail, job_page};
use bellwether_queue::{
    Db, JobId, audit,
    control::{self, Commanded},
    inspect::{self, AttemptView, JobDetail, JobFilter, JobView},
};
use serde_json::json;

use crate::{
    args::{JobsAction, JobsArgs, OneJob},
    database::Database,
    misuse::misused,
    out::{plain, say},
};

pub(crate) async fn run(args: JobsArgs) -> anyhow::Result<bool> {
    if let JobsAction::List { kind: Some(kind), .. } = &args.action {
        let registry = bellwether_jobs::registry();
        if registry.get(kind).is_none() {
            let kinds: Vec<&str> = registry.kinds().map(|kind| kind.name).collect();
            misused!("there is no kind {kind:?}; the kinds are {}", kinds.join(", "));
        }
    }
    let database = Database::existing(&args.database).await?;
    let result = async {
        database.check_schema().await?;
        act(&database, args.action, args.json).await
    }
    .await;
    database.close().await?;
    result
}

async fn act(database: &Database, action: JobsAction, json: bool) -> anyhow::Result<bool> {
    let pool = &database.pool;
    match action {
        JobsAction::List { state, kind, queue, q, limit } => {
            let filter = JobFilter { state, kind, queue, q, limit, ..JobFilter::default() };
            let page = inspect::list(pool, &filter).await?;
            if json {
                say!("{}", serde_json::to_string(&job_page(page))?)?;
            } else {
                say!(
                    "{:>10}  {:10} {:18} {:>8}  {:20}  LAST ERROR",
                    "ID",
                    "STATE",
                    "KIND",
                    "ATTEMPTS",
                    "CREATED"
                )?;
                for job in &page.items {
                    say!("{}", line(job))?;
                }
            }
        }
        JobsAction::Show(OneJob { id }) => match inspect::find(pool, JobId(id)).await? {
            Some(found) if json => say!("{}", serde_json::to_string(&job_detail(found))?)?,
            Some(found) => show(&found)?,
            None => bail!("there is no job {id}"),
        },
        JobsAction::Retry(OneJob { id }) => {
            return commanded(command(pool, id, "job.retry").await?, id, "retried", json);
        }
        JobsAction::Cancel(OneJob { id }) => {
            return commanded(command(pool, id, "job.cancel").await?, id, "cancelled", json);
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

/// Carries out a command and adds it to the audit, in one transaction.
async fn command(pool: &Db, id: i64, action: &str) -> anyhow::Result<Commanded> {
    let before = inspect::find(pool, JobId(id)).await?.map(|found| found.job);
    let before =
        before.map(|job| json!({"state": job.state, "kind": job.kind, "attempt": job.attempt}));
    let mut tx = pool.begin().await?;
    let done = match action {
        "job.retry" => control::retry(&mut *tx, JobId(id)).await?,
        _ => control::cancel(&mut *tx, JobId(id)).await?,
    };
    if let Commanded::Done(state) = done {
        let detail = json!({"before": before, "after": {"state": state}});
        audit::add(&mut *tx, "cli", action, &id.to_string(), &detail).await?;
    }
    tx.commit().await?;
    Ok(done)
}

fn commanded(done: Commanded, id: i64, verb: &str, json: bool) -> anyhow::Result<bool> {
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

fn line(job: &JobView) -> String {
    let attempts = format!("{}/{}", job.attempt, job.max_attempts);
    let error: String = plain(job.error.as_deref().unwrap_or("")).chars().take(80).collect();
    let created = job.created_at.format("%FT%TZ");
    format!(
        "{:>10}  {:10} {:18} {attempts:>8}  {created}  {error}",
        job.id.0,
        job.state.as_str(),
        job.kind
    )
}

fn show(found: &JobDetail) -> std::io::Result<()> {
    let job = &found.job;
    say!("{}", line(job))?;
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
