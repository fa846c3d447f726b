//! A job with all its descendants.

use std::collections::{HashMap, HashSet};

use crate::{Db, Error, JobId, State, inspect::find};

/// A job and its descendants, as read so far. Each [`Family::look`] queries only jobs that may
/// still change or get children, so that following a large family stays cheap.
#[derive(Debug)]
pub struct Family {
    root: JobId,
    members: HashMap<i64, State>,
    /// Jobs whose children may still change.
    open: HashSet<i64>,
    /// Direct children of each job: a job stays open while one of them is.
    children: HashMap<i64, Vec<i64>>,
    failures: Vec<Failed>,
}

/// A member that ended without having completed.
#[derive(Clone, Debug)]
pub struct Failed {
    pub id: JobId,
    pub kind: String,
    pub state: State,
    pub error: Option<String>,
}

impl Family {
    pub fn of(root: JobId) -> Self {
        Self {
            root,
            members: HashMap::new(),
            open: HashSet::from([root.0]),
            children: HashMap::new(),
            failures: Vec::new(),
        }
    }

    /// Reads the family again. `false`: the first job is no longer kept.
    pub async fn look(&mut self, db: &Db) -> Result<bool, Error> {
        if !self.members.get(&self.root.0).is_some_and(|state| state.is_final()) {
            let Some(found) = find(db, self.root).await? else { return Ok(false) };
            let job = found.job;
            self.see(job.id.0, job.kind, job.state, job.error);
        }
        // A parent's state is read before its children: a parent that had ended by then gets no
        // more of them.
        let mut generation: Vec<i64> = vec![self.root.0];
        while !generation.is_empty() {
            let asked: Vec<i64> =
                generation.iter().copied().filter(|id| self.open.contains(id)).collect();
            let ended: Vec<i64> =
                asked.iter().copied().filter(|id| self.members[id].is_final()).collect();
            let rows = sqlx::query!(
                r#"select parent as "parent!", id as "id!", kind as "kind!", state as "state!", error
                from queue.children($1)"#,
                &asked
            )
            .fetch_all(db)
            .await?;
            let mut born: HashMap<i64, Vec<i64>> = HashMap::new();
            for row in rows {
                let state = row.state.parse().expect("the functions name states as the code does");
                if !self.members.contains_key(&row.id) {
                    self.open.insert(row.id);
                }
                self.see(row.id, row.kind, state, row.error);
                born.entry(row.parent).or_default().push(row.id);
            }
            generation = born.values().flatten().copied().collect();
            self.children.extend(born);
            // Grandchildren are read with the next generation; parents are closed at the end.
            for id in ended {
                if self.children.get(&id).is_none_or(Vec::is_empty) {
                    self.open.remove(&id);
                }
            }
        }
        self.close_parents();
        Ok(true)
    }

    /// Closes jobs that have ended and whose children are all closed.
    fn close_parents(&mut self) {
        loop {
            let closed: Vec<i64> =
                self.open
                    .iter()
                    .copied()
                    .filter(|id| {
                        self.members.get(id).is_some_and(|state| state.is_final())
                            && self.children.get(id).is_some_and(|all| {
                                all.iter().all(|child| !self.open.contains(child))
                            })
                    })
                    .collect();
            if closed.is_empty() {
                return;
            }
            for id in closed {
                self.open.remove(&id);
            }
        }
    }

    fn see(&mut self, id: i64, kind: String, state: State, error: Option<String>) {
        let before = self.members.insert(id, state);
        let failed = state.is_final() && state != State::Completed;
        if before != Some(state) {
            self.failures.retain(|f| f.id.0 != id);
            if failed {
                self.failures.push(Failed { id: JobId(id), kind, state, error });
            }
        }
    }

    /// True if every member has ended.
    pub fn is_over(&self) -> bool {
        self.open.is_empty()
    }

    /// Members seen so far, the first job included.
    pub fn total(&self) -> usize {
        self.members.len()
    }

    /// Members that have ended.
    pub fn ended(&self) -> usize {
        self.members.values().filter(|state| state.is_final()).count()
    }

    /// The oldest member that has not ended.
    pub fn unfinished(&self) -> Option<JobId> {
        let open = self.members.iter().filter(|(_, state)| !state.is_final());
        open.map(|(id, _)| *id).min().map(JobId)
    }

    /// Members that ended without having completed.
    pub fn failures(&self) -> &[Failed] {
        &self.failures
    }
}
