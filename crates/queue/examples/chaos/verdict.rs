//! Invariants that must hold at the end, and the figures beside them.

use std::fmt::Write;

use bellwether_queue::Db;

use crate::load::Error;

pub(crate) struct Verdict {
    pub(crate) figures: Vec<(&'static str, i64)>,
    broken: Vec<String>,
}

const NOTHING: [(&str, &str); 8] = [
    (
        "jobs lost",
        "select count(*) from wanted w where not exists (select from queue.done d where d.id = w.job)",
    ),
    (
        "jobs done that were never enqueued",
        "select count(*) from queue.done d where not exists (select from wanted w where w.job = d.id)",
    ),
    (
        "jobs done more than once",
        "select count(*) from (select id from queue.done group by id having count(*) > 1) x",
    ),
    ("jobs left in another table", "select count(*) from queue.job where state <> 'completed'"),
    (
        "effects missing",
        "select count(*) from queue.done d where kind <> 'fetch' and not exists (select from effect e where e.job = d.id)",
    ),
    (
        "effects written twice",
        "select count(*) from (select job from effect group by job having count(*) > 1) x",
    ),
    ("followers that ran before their batch had ended", "select count(*) from early"),
    // A run is explained by the job's completion or by a row with another outcome.
    (
        "runs without an attempt row",
        "select coalesce(sum(greatest(r.n - 1 - coalesce(a.n, 0), 0)), 0)::bigint
        from (select job, count(*) as n from ran group by job) r
        left join (select job, count(*) as n from queue.attempt group by job) a using (job)",
    ),
];

const ROBBED: &str = "select count(*) from queue.attempt a join queue.process p on p.id = a.process
    where a.outcome = 'lost' and a.code is distinct from 'worker_lost_track'
        and p.name <> all ($1)";

const FIGURES: [(&str, &str); 10] = [
    ("jobs enqueued in committed transactions", "select count(*) from wanted"),
    ("jobs done", "select count(*) from queue.done"),
    ("batches followed", "select count(*) from queue.batch b join queue.done d on d.id = b.id"),
    ("runs begun", "select count(*) from ran"),
    (
        "runs repeated",
        "select coalesce(sum(n - 1), 0)::bigint from (select count(*) as n from ran group by job) x",
    ),
    (
        "attempts lost with a dead process",
        "select count(*) from queue.attempt where outcome = 'lost' and code is distinct from 'worker_lost_track'",
    ),
    (
        "attempts lost on their way to a worker",
        "select count(*) from queue.attempt where outcome = 'lost' and code = 'worker_lost_track'",
    ),
    ("attempts failed", "select count(*) from queue.attempt where outcome = 'failed'"),
    (
        "attempts given back",
        "select count(*) from queue.attempt where outcome in ('throttled', 'snoozed', 'released')",
    ),
    ("processes declared dead", "select count(*) from queue.process where dead_at is not null"),
];

impl Verdict {
    /// `victims`: the workers that may have been declared dead.
    pub(crate) async fn reach(db: &Db, victims: &[String]) -> Result<Self, Error> {
        let mut verdict = Self { figures: Vec::new(), broken: Vec::new() };
        for (what, sql) in FIGURES {
            verdict.figures.push((what, sqlx::query_scalar(sql).fetch_one(db).await?));
        }
        for (what, sql) in NOTHING {
            verdict.none(what, sqlx::query_scalar(sql).fetch_one(db).await?);
        }
        let robbed = sqlx::query_scalar(ROBBED).bind(victims).fetch_one(db).await?;
        verdict.none("jobs taken from a worker that was alive", robbed);
        Ok(verdict)
    }

    fn none(&mut self, what: &'static str, n: i64) {
        self.figures.push((what, n));
        if n != 0 {
            self.broken.push(format!("{n} {what}"));
        }
    }

    /// Prints the last line of the output, `0 jobs lost, 0 …`, or lists the broken invariants.
    pub(crate) fn end(self) -> Result<(), Error> {
        if self.broken.is_empty() { Ok(()) } else { Err(self.broken.join(", ").into()) }
    }

    pub(crate) fn table(&self) -> String {
        let mut table = String::from("| what | count |\n|---|---:|\n");
        for (what, n) in &self.figures {
            let _ = writeln!(table, "| {what} | {n} |");
        }
        table
    }
}
