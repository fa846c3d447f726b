//! Waiting jobs, to read and to assert on.

use std::panic::Location;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgExecutor;

use crate::{Job, JobId, State};

/// A waiting job, as it was added.
#[derive(Clone, Debug)]
pub struct Waiting<J> {
    pub id: JobId,
    pub job: J,
    pub state: State,
    pub queue: String,
    pub lane: String,
    pub priority: u8,
    pub max_attempts: u16,
    /// `None`: at once.
    pub due_at: Option<DateTime<Utc>>,
    pub unique_key: Option<String>,
    pub tags: Vec<String>,
    /// The job whose attempt added it.
    pub parent: Option<JobId>,
}

/// Returns the jobs of a kind that wait, in any waiting state, oldest first. In a transaction this
/// includes jobs that the transaction has added.
pub async fn jobs<J: Job>(db: impl PgExecutor<'_>) -> Vec<Waiting<J>> {
    let typed = |waiting: Waiting<Value>| {
        let id = waiting.id;
        waiting.map(|args| {
            serde_json::from_value(args)
                .unwrap_or_else(|e| panic!("job {id} is no {}: {e}", J::KIND))
        })
    };
    waiting(db, J::KIND).await.into_iter().map(typed).collect()
}

/// Returns the arguments of [`jobs`].
pub async fn enqueued<J: Job>(db: impl PgExecutor<'_>) -> Vec<J> {
    jobs(db).await.into_iter().map(|waiting| waiting.job).collect()
}

/// Panics unless a job of the kind waits whose arguments contain these; returns the number of the
/// oldest such job.
#[track_caller]
pub fn assert_enqueued<'a>(
    db: impl PgExecutor<'a> + 'a,
    kind: &'a str,
    args: Value,
) -> impl Future<Output = JobId> + 'a {
    let caller = Location::caller();
    async move {
        let jobs = waiting(db, kind).await;
        if let Some(found) = jobs.iter().find(|waiting| contains(&waiting.job, &args)) {
            return found.id;
        }
        panic!("{caller}: no {kind} with {args} waits, but {}", list(&jobs))
    }
}

/// Panics if a job of the kind waits whose arguments contain these.
#[track_caller]
pub fn refute_enqueued<'a>(
    db: impl PgExecutor<'a> + 'a,
    kind: &'a str,
    args: Value,
) -> impl Future<Output = ()> + 'a {
    let caller = Location::caller();
    async move {
        let jobs = waiting(db, kind).await;
        let found: Vec<_> =
            jobs.into_iter().filter(|waiting| contains(&waiting.job, &args)).collect();
        assert!(found.is_empty(), "{caller}: a {kind} with {args} waits: {}", list(&found));
    }
}

impl<J> Waiting<J> {
    fn map<T>(self, f: impl FnOnce(J) -> T) -> Waiting<T> {
        Waiting {
            id: self.id,
            job: f(self.job),
            state: self.state,
            queue: self.queue,
            lane: self.lane,
            priority: self.priority,
            max_attempts: self.max_attempts,
            due_at: self.due_at,
            unique_key: self.unique_key,
            tags: self.tags,
            parent: self.parent,
        }
    }
}

async fn waiting(db: impl PgExecutor<'_>, kind: &str) -> Vec<Waiting<Value>> {
    let rows = sqlx::query!(
        r#"select id as "id!", state as "state!", args as "args!", queue as "queue!", lane as "lane!",
            priority as "priority!", max_attempts as "max_attempts!", due_at, unique_key, tags, parent
        from queue.job
        where kind = $1 and state in ('pending', 'scheduled', 'available', 'parked', 'retryable')
        order by id"#,
        kind
    )
    .fetch_all(db)
    .await
    .unwrap_or_else(|e| panic!("cannot look at the queue: {e}"));
    let jobs = rows.into_iter().map(|row| Waiting {
        id: JobId(row.id),
        job: row.args,
        state: row.state.parse().expect("the view has the states' own names"),
        queue: row.queue,
        lane: row.lane,
        priority: row.priority as u8,
        max_attempts: row.max_attempts as u16,
        due_at: row.due_at,
        unique_key: row.unique_key,
        tags: row.tags.unwrap_or_default(),
        parent: row.parent.map(JobId),
    });
    jobs.collect()
}

/// True if `have` contains every part of `wanted`: objects by their fields, other values as a
/// whole.
fn contains(have: &Value, wanted: &Value) -> bool {
    match (have, wanted) {
        (Value::Object(have), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, wanted)| have.get(name).is_some_and(|have| contains(have, wanted))),
        _ => have == wanted,
    }
}

fn list(jobs: &[Waiting<Value>]) -> String {
    if jobs.is_empty() {
        return "none of that kind does".to_owned();
    }
    jobs.iter().map(|found| format!("{} {}", found.id, found.job)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_are_compared_by_the_parts_that_are_named() {
        let have = json!({"user": 7, "mail": {"to": "a@b", "cc": []}});
        assert!(contains(&have, &json!({})));
        assert!(contains(&have, &json!({"mail": {"to": "a@b"}})));
        assert!(!contains(&have, &json!({"mail": {"to": "c@d"}})));
        assert!(!contains(&have, &json!({"name": null})));
    }
}
