//! One job, and pages of jobs.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::time::Instant;

use super::relatives::{Relative, relatives};
use crate::{Db, Error, JobId, State, batch, output};

/// A job as a monitor shows it.
#[derive(Clone, Debug)]
pub struct JobView {
    pub id: JobId,
    pub kind: String,
    pub queue: String,
    pub lane: String,
    pub state: State,
    pub priority: u8,
    /// Attempts made so far, including one under way.
    pub attempt: u16,
    pub max_attempts: u16,
    pub args: Value,
    /// True if `args` is only the beginning of the arguments' text ([`JobFilter::args_limit`]).
    pub args_cut: bool,
    pub unique_key: Option<String>,
    pub tags: Vec<String>,
    pub parent: Option<JobId>,
    pub trace: Option<String>,
    pub created_at: DateTime<Utc>,
    /// Time at which a scheduled or retryable job becomes available.
    pub due_at: Option<DateTime<Utc>>,
    /// Start of the attempt under way or, once the job has ended, of the last one.
    pub claimed_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    /// Name of the process that runs it or ran it last.
    pub worker: Option<String>,
    /// The last attempt's error, or why it was cancelled.
    pub error: Option<String>,
    /// True if the job is still running although it has been cancelled.
    pub cancelling: bool,
}

/// One attempt of a job.
#[derive(Clone, Debug)]
pub struct AttemptView {
    pub number: u16,
    pub worker: String,
    pub started_at: DateTime<Utc>,
    /// `None` while it runs.
    pub ended_at: Option<DateTime<Utc>>,
    /// completed, failed, panicked, timed_out, discarded, undecodable, snoozed, throttled,
    /// released, cancelled, lost; running while it runs.
    pub outcome: String,
    /// Cause of the error, for programs: [`Failure::code`](crate::Failure::code), or the queue's
    /// own.
    pub code: Option<String>,
    pub error: Option<String>,
    pub log: Vec<String>,
}

/// A job with its history and its relatives.
#[derive(Clone, Debug)]
pub struct JobDetail {
    pub job: JobView,
    /// Kept by its completion ([`crate::output()`]); `None`: there is none, or it has not completed.
    pub output: Option<Value>,
    /// Oldest first.
    pub attempts: Vec<AttemptView>,
    /// The job that added it, and the jobs it waits for.
    pub parents: Vec<JobId>,
    /// The jobs that its attempts added; at most 1,000.
    pub children: Vec<JobId>,
    /// The jobs that have to end before this one is claimed; at most 100.
    pub waits_for: Vec<Relative>,
    /// The jobs that wait for this one; at most 100.
    pub waited_by: Vec<Relative>,
    /// The batch that it belongs to or follows, the youngest of several.
    pub batch: Option<batch::Progress>,
}

/// Conditions of a list; all must hold. The newest jobs come first.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    pub state: Option<State>,
    pub kind: Option<String>,
    pub queue: Option<String>,
    pub tag: Option<String>,
    /// Text that the arguments, the unique key or the last error must contain.
    pub q: Option<String>,
    /// Created at or after.
    pub from: Option<DateTime<Utc>>,
    /// Created before.
    pub to: Option<DateTime<Utc>>,
    /// Only jobs with a smaller id: the last id of the previous page.
    pub before: Option<JobId>,
    /// Most items, 1 to 500.
    pub limit: u16,
    /// Bytes of arguments beyond which only the beginning of their text is returned.
    pub args_limit: Option<usize>,
}

#[derive(Clone, Debug)]
pub struct JobPage {
    pub items: Vec<JobView>,
    /// To be passed as `before` for the next page; `None`: this was the last.
    pub next: Option<JobId>,
    /// The id down to which a search came before its time ran out; `None`: the page is full, or
    /// every job was searched.
    pub searched_to: Option<JobId>,
}

/// A search stops after this many milliseconds and reports how far it came.
const SEARCH_MS: u128 = 300;
/// Ids that the first step of a search covers; a step that took less than `QUICK` doubles the next,
/// another halves it. Jobs with large arguments are searched slowly, so a step begins small.
const STEP: i64 = 250;
const SHORTEST_STEP: i64 = 25;
const QUICK: Duration = Duration::from_millis(20);

/// Lists a page of jobs, newest first. With a condition other than the state, a page may be shorter
/// than its limit: `searched_to` says how far the search came.
pub async fn list(pool: &Db, filter: &JobFilter) -> Result<JobPage, Error> {
    let limit = i64::from(filter.limit.clamp(1, 500));
    let JobFilter { kind, queue, tag, q, from, to, .. } = filter;
    if kind.is_none()
        && queue.is_none()
        && tag.is_none()
        && q.is_none()
        && from.is_none()
        && to.is_none()
    {
        let mut items = page(pool, filter, filter.before, limit + 1, 0).await?;
        let more = items.len() as i64 > limit;
        items.truncate(limit as usize);
        let next = if more { items.last().map(|j| j.id) } else { None };
        return Ok(JobPage { items, next, searched_to: None });
    }
    search(pool, filter, limit).await
}

/// Searches from the newest job on, in steps of ids, so that a condition that few jobs fit does not
/// scan all of history.
async fn search(pool: &Db, filter: &JobFilter, limit: i64) -> Result<JobPage, Error> {
    let began = Instant::now();
    let newest = sqlx::query_scalar!(r#"select last_value as "n!" from queue.job_id"#)
        .fetch_one(pool)
        .await?;
    let mut before = filter.before.map_or(newest + 1, |id| id.0.min(newest + 1));
    let mut step = STEP;
    let mut items = Vec::new();
    while before > 1 {
        let asked = Instant::now();
        let floor = (before - step).max(0);
        let room = limit - items.len() as i64;
        let mut found = page(pool, filter, Some(JobId(before)), room + 1, floor).await?;
        if found.len() as i64 > room {
            found.truncate(room as usize);
            items.append(&mut found);
            let next = items.last().map(|j: &JobView| j.id);
            return Ok(JobPage { items, next, searched_to: None });
        }
        items.append(&mut found);
        before = floor.max(1);
        if before > 1 && began.elapsed().as_millis() > SEARCH_MS {
            let reached = JobId(before);
            return Ok(JobPage { items, next: Some(reached), searched_to: Some(reached) });
        }
        step = if asked.elapsed() < QUICK { step * 2 } else { (step / 2).max(SHORTEST_STEP) };
    }
    Ok(JobPage { items, next: None, searched_to: None })
}

async fn page(
    pool: &Db,
    filter: &JobFilter,
    before: Option<JobId>,
    limit: i64,
    floor: i64,
) -> Result<Vec<JobView>, Error> {
    let rows = sqlx::query!(
        r#"select j.id as "id!", j.state as "state!", j.kind as "kind!", j.queue as "queue!", j.lane as "lane!",
            j.priority as "priority!", j.attempt as "attempt!", j.max_attempts as "max_attempts!",
            case when c.cut then to_jsonb(left(j.args::text, $11::integer)) else j.args end as "args!", c.cut as "args_cut!",
            j.unique_key, j.tags, j.parent, j.trace, j.created_at as "created_at!", j.due_at,
            coalesce(j.claimed_at, a.started_at) as claimed_at, j.finished_at,
            p.name as "worker?", j.error, j.cancelling as "cancelling!"
        from queue.page($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) j
        cross join lateral (select octet_length(j.args::text) > $11::integer as cut) c
        -- of a job that did not complete, its last attempt knows who ran it, and since when
        left join lateral (
            select started_at, process from queue.attempt
            where job = j.id and j.finished_at is not null and j.claimed_at is null
            order by started_at desc limit 1
        ) a on true
        left join queue.process p on p.id = coalesce(j.process, a.process)
        order by j.id desc"#,
        filter.state.map(State::as_str),
        filter.kind,
        filter.queue,
        filter.tag,
        filter.q.as_deref().map(contains),
        filter.from,
        filter.to,
        before.map_or(i64::MAX, |id| id.0),
        floor,
        limit,
        filter.args_limit.and_then(|limit| i32::try_from(limit).ok()).unwrap_or(i32::MAX),
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| JobView {
            id: JobId(r.id),
            kind: r.kind,
            queue: r.queue,
            lane: r.lane,
            state: r.state.parse().expect("the view names states as the code does"),
            priority: r.priority as u8,
            attempt: r.attempt as u16,
            max_attempts: r.max_attempts as u16,
            args: r.args,
            args_cut: r.args_cut,
            unique_key: r.unique_key,
            tags: r.tags.unwrap_or_default(),
            parent: r.parent.map(JobId),
            trace: r.trace,
            created_at: r.created_at,
            due_at: r.due_at,
            claimed_at: r.claimed_at,
            finished_at: r.finished_at,
            worker: r.worker,
            error: r.error,
            cancelling: r.cancelling,
        })
        .collect())
}

/// Returns the `ilike` pattern of texts that contain this text literally.
pub(crate) fn contains(text: &str) -> String {
    let escaped: String = text
        .chars()
        .flat_map(|c| {
            let escape = matches!(c, '%' | '_' | '\\').then_some('\\');
            escape.into_iter().chain([c])
        })
        .collect();
    format!("%{escaped}%")
}

/// Finds a job with its attempts and relatives.
pub async fn find(pool: &Db, id: JobId) -> Result<Option<JobDetail>, Error> {
    // A job that moved between tables while the view was read is read again.
    let only = JobFilter { limit: 1, ..JobFilter::default() };
    let mut found = None;
    for _ in 0..3 {
        found = page(pool, &only, Some(JobId(id.0.saturating_add(1))), 1, id.0).await?.pop();
        if found.is_some() {
            break;
        }
    }
    let Some(job) = found else { return Ok(None) };

    let rows = sqlx::query!(
        r#"select a.number as "number!", coalesce(p.name, 'unknown') as "worker!", a.started_at as "started_at!",
            a.ended_at, a.outcome as "outcome!", a.code, a.error, a.log
        from (
            select number, process, started_at, ended_at, outcome, code, error, log from queue.attempt where job = $1
            union all
            select attempt, process, claimed_at, finished_at, 'completed', null, null, log from queue.done where id = $1
            union all
            select attempt, process, claimed_at, null, 'running', null, null, null from queue.running where id = $1
        ) a left join queue.process p on p.id = a.process
        order by a.started_at, a.number limit 1000"#,
        id.0
    )
    .fetch_all(pool)
    .await?;
    let attempts = rows
        .into_iter()
        .map(|r| AttemptView {
            number: r.number as u16,
            worker: r.worker,
            started_at: r.started_at,
            ended_at: r.ended_at,
            outcome: r.outcome,
            code: r.code,
            error: r.error,
            log: r.log.unwrap_or_default(),
        })
        .collect();
    let children = sqlx::query_scalar!(
        r#"select id as "id!" from queue.children(array[$1::bigint]) order by id limit 1000"#,
        id.0
    )
    .fetch_all(pool)
    .await?;
    let (waits_for, waited_by) = relatives(pool, id, job.state == State::Pending).await?;
    let batch = batch::of(pool, id).await?;
    let output = output::of_job(pool, id, &job.kind).await?;
    let mut parents: Vec<JobId> = job.parent.into_iter().collect();
    for other in &waits_for {
        if !parents.contains(&other.id) {
            parents.push(other.id);
        }
    }
    Ok(Some(JobDetail {
        job,
        output,
        attempts,
        parents,
        children: children.into_iter().map(JobId).collect(),
        waits_for,
        waited_by,
        batch,
    }))
}
