//! Lines about a backup or a restore under way.

use std::time::{Duration, Instant};

/// Shortest interval between two lines.
const INTERVAL: Duration = Duration::from_secs(2);

/// Rows and tables done so far.
pub(super) struct Progress {
    verb: &'static str,
    tables: usize,
    table: usize,
    rows: u64,
    next: Instant,
}

impl Progress {
    /// Logs the beginning: `verb` is for example `writing`.
    pub(super) fn start(verb: &'static str, tables: usize) -> Self {
        tracing::info!("{verb} {tables} tables");
        Self { verb, tables, table: 0, rows: 0, next: Instant::now() + INTERVAL }
    }

    pub(super) fn next_table(&mut self) {
        self.table += 1;
    }

    pub(super) fn add(&mut self, rows: u64) {
        self.rows += rows;
        if let Some(line) = self.line(Instant::now()) {
            tracing::info!("{line}");
        }
    }

    /// The line that is due, if one is.
    fn line(&mut self, now: Instant) -> Option<String> {
        if now < self.next {
            return None;
        }
        self.next = now + INTERVAL;
        let Self { verb, tables, table, rows, .. } = self;
        Some(format!("{verb}: {rows} rows, table {table} of {tables}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_due_every_two_seconds() {
        let mut progress = Progress::start("writing", 3);
        progress.next_table();
        progress.add(7);
        let begun = Instant::now();
        assert_eq!(progress.line(begun), None);
        let due = begun + INTERVAL;
        assert_eq!(progress.line(due).unwrap(), "writing: 7 rows, table 1 of 3");
        assert_eq!(progress.line(due + INTERVAL / 2), None);
    }
}
