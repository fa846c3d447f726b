//! Results of the rehearsal, as a page and as facts that must hold.

use std::{fmt::Write as _, time::Duration};

use crate::{
    estimates::Estimates,
    fire::Fire,
    head_of_line::Line,
    referee::{Remaining, Verdict},
    word::Word,
};

pub(crate) struct Report {
    text: String,
    broken: Vec<String>,
    length: Duration,
}

/// Long enough to see what was promised come true.
pub(crate) fn calm(length: Duration) -> Duration {
    (length / 2).min(Duration::from_mins(4))
}

impl Report {
    pub(crate) fn new(length: Duration) -> Self {
        let text = format!(
            "Five workers, {} s under fire and {} s of calm.\n\n",
            length.as_secs(),
            calm(length).as_secs()
        );
        Self { text, broken: Vec::new(), length }
    }

    /// Returns true if each window was observed long enough for shares and percentiles.
    fn is_long(&self) -> bool {
        self.length >= Duration::from_mins(5)
    }

    fn say(&mut self, line: &str) {
        println!("{line}");
        writeln!(self.text, "{line}").expect("a string takes everything");
    }

    fn demand(&mut self, holds: bool, what: String) {
        if !holds {
            self.broken.push(what);
        }
    }

    pub(crate) fn fire(&mut self, fire: &Fire) {
        self.say(&format!("Killed {} times, frozen {} times.", fire.killed, fire.frozen));
    }

    pub(crate) fn estimates(&mut self, estimates: &Estimates) {
        let (n, p90) = (estimates.errors.len(), estimates.p90());
        self.say(&format!("Estimated starts: {n} asked, off by {:.0} % at p90.", p90 * 100.0));
        // A short run sees too few of them.
        if self.is_long() {
            self.demand(p90 <= 0.2, format!("estimates are off by {p90} at p90"));
        }
    }

    pub(crate) fn word(&mut self, word: &Word) {
        self.say(&format!(
            "One 429 with Retry-After: calls after it within {:?} ms, then the first {} ms after the time; {} attempts spent.",
            word.stragglers, word.first_after_ms, word.attempts_spent
        ));
        let late = word.stragglers.iter().any(|ms| *ms > 1_000);
        self.demand(!late, format!("calls {:?} ms after a 429", word.stragglers));
        self.demand(word.first_after_ms >= 0, format!("{} ms after the time", word.first_after_ms));
        self.demand(word.attempts_spent == 0, "a 429 spent attempts".to_owned());
    }

    pub(crate) fn remaining(&mut self, remaining: &[Remaining]) {
        // A short run's half day is over before a search's articles are stored.
        let wanted = if self.is_long() { 3 } else { 2 };
        self.demand(remaining.len() >= wanted, format!("both counts agree for {remaining:?} only"));
        for r in remaining {
            self.say(&format!("{}: we say {} remain, the provider {}.", r.key, r.ours, r.theirs));
            self.demand(r.ours == r.theirs, format!("{r:?}"));
        }
    }

    pub(crate) fn verdicts(&mut self, verdicts: &[Verdict]) {
        self.say("\n| key | calls | fullest of allowed | windows exceeded | refused | used of what its counting allows |\n|---|---|---|---|---|---|");
        for v in verdicts {
            let full: Vec<_> = v.fullest.iter().map(|(m, a)| format!("{m}/{a}")).collect();
            self.say(&format!(
                "| {} | {} | {} | {} | {} | {:.1} % |",
                v.key,
                v.calls,
                full.join(", "),
                v.violations,
                v.refused,
                v.utilisation * 100.0
            ));
            self.demand(v.violations == 0 && v.refused == 0, format!("{v:?}"));
            // A short run is mostly beginning and end.
            if self.is_long() {
                self.demand(v.utilisation >= 0.97, format!("{} used {:.3}", v.key, v.utilisation));
            }
        }
    }

    /// Beside the build's other output; the recipe copies a long one into `bench/`.
    pub(crate) fn write(&self) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/quota.md");
        std::fs::write(path, &self.text).expect("the report is written");
    }

    pub(crate) fn assert(&self) {
        assert!(self.broken.is_empty(), "{:#?}\n\n{}", self.broken, self.text);
    }
}

pub(crate) fn head_of_line(line: &Line) {
    println!(
        "Pickup of another key's job: alone p50 {:.1} ms, p95 {:.1} ms; behind {} jobs of an exhausted key p50 {:.1} ms, p95 {:.1} ms.",
        line.alone_p50, line.alone_p95, line.jobs, line.behind_p50, line.behind_p95
    );
}
