//! Dependencies of a job: the jobs that it waits for, and the jobs that wait for it.

use super::JobDetail;
use crate::{Db, Error, JobId, State};

/// Most relatives shown in each direction.
const SHOWN: i64 = 100;

/// Another job, in brief.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Relative {
    pub id: JobId,
    pub kind: String,
    pub state: State,
}

/// Returns the jobs that a pending job waits for, and the pending jobs that wait for this one; at
/// most a hundred of each.
pub(super) async fn relatives(
    db: &Db,
    id: JobId,
    pending: bool,
) -> Result<(Vec<Relative>, Vec<Relative>), Error> {
    let rows = sqlx::query!(
        r#"with before as materialized (
            select e.parent as id from queue.edge e where $2 and e.child = $1 order by 1 limit $3
        ), after as materialized (
            select e.child as id from queue.edge e where e.parent = $1 order by 1 limit $3
        )
        select true as "before!", s.id as "id!", s.kind as "kind!", s.state as "state!"
        from queue.states(array(select id from before)) s
        union all
        select false, s.id, s.kind, s.state from queue.states(array(select id from after)) s where s.state = 'pending'
        order by 1, 2"#,
        id.0,
        pending,
        SHOWN
    )
    .fetch_all(db)
    .await?;
    let (mut waits_for, mut waited_by) = (Vec::new(), Vec::new());
    for row in rows {
        let state = row.state.parse().expect("the functions name states as the code does");
        let relative = Relative { id: JobId(row.id), kind: row.kind, state };
        if row.before { &mut waits_for } else { &mut waited_by }.push(relative);
    }
    Ok((waits_for, waited_by))
}

/// Explains in one sentence why a pending job waits.
pub(super) fn reason(found: &JobDetail) -> String {
    let word = |r: &Relative| format!("{} ({}, {})", r.id, r.kind, r.state);
    if let Some(stuck) =
        found.waits_for.iter().find(|r| r.state.is_final() && r.state != State::Completed)
    {
        return format!(
            "it waits for job {}, which did not complete: retry that job, or retry this one to run it without",
            word(stuck)
        );
    }
    let some: Vec<String> = found.waits_for.iter().take(3).map(word).collect();
    match (found.waits_for.len(), some.is_empty()) {
        (_, true) => {
            "it is about to be released: the jobs for which it waited have ended".to_owned()
        }
        (n, _) if n == some.len() => format!("it waits for {}", some.join(", ")),
        (n, _) if n < SHOWN as usize => {
            format!("it waits for {n} jobs, the first of them {}", some.join(", "))
        }
        (n, _) => format!("it waits for {n} jobs or more, the first of them {}", some.join(", ")),
    }
}
