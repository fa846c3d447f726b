//! Figures of the whole cluster, read from the database, as Prometheus text.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use bellwether_queue::{Error, State, inspect, schedule};

use crate::App;

/// Every gauge of the cluster. No statement in here counts rows of jobs.
pub(super) async fn text(app: &App) -> Result<String, Error> {
    let db = &app.probe_pool;
    let pruned = async { bellwether_store::prune::age_seconds(db).await.map_err(Error::from) };
    let (jobs, queues, limits, windows, overdue, pruned) = tokio::try_join!(
        inspect::jobs_gauges(db),
        inspect::queue_gauges(db),
        inspect::limit_gauges(db),
        inspect::window_gauges(db),
        schedule::overdue(db),
        pruned,
    )?;
    let families = [
        of_jobs(app, &jobs),
        of_queues(&queues),
        of_schedules(&overdue),
        of_pruning(pruned),
        of_limits(&limits),
        of_windows(&windows),
    ];
    Ok(families.concat())
}

/// A kind without jobs shows as 0, so that rules can rely on it.
fn of_jobs(app: &App, jobs: &[inspect::JobsGauge]) -> String {
    let counted: BTreeMap<_, _> = jobs
        .iter()
        .map(|j| ((j.queue.as_str(), j.kind.as_str(), j.state.as_str()), j.jobs))
        .collect();
    let kinds: BTreeSet<_> = app
        .registry
        .kinds()
        .map(|kind| (kind.queue, kind.name))
        .chain(jobs.iter().map(|j| (j.queue.as_str(), j.kind.as_str())))
        .collect();
    let mut family = Family::new("bellwether_jobs", "Jobs by queue, kind and state");
    for (queue, kind) in kinds {
        for state in State::ALL.map(State::as_str) {
            let jobs = counted.get(&(queue, kind, state)).copied().unwrap_or(0);
            family.add(&[("queue", queue), ("kind", kind), ("state", state)], jobs as f64);
        }
    }
    family.0
}

fn of_queues(queues: &[inspect::QueueGauge]) -> String {
    let mut available = Family::new(
        "bellwether_queue_oldest_available_seconds",
        "Age of the oldest runnable job since it became runnable, 0 without one",
    );
    let mut parked = Family::new(
        "bellwether_queue_oldest_parked_seconds",
        "Age of the oldest job that waits for a limit, 0 without one",
    );
    let mut paused =
        Family::new("bellwether_queue_paused", "1 while the queue is paused by an operator");
    let mut processes = Family::new(
        "bellwether_queue_processes",
        "Processes that work the queue and whose heartbeat got through within 30 s",
    );
    for queue in queues {
        let labels = [("queue", queue.queue.as_str())];
        available.add(&labels, queue.oldest_available_s);
        parked.add(&labels, queue.oldest_parked_s);
        paused.add(&labels, f64::from(u8::from(queue.paused)));
        processes.add(&labels, queue.processes as f64);
    }
    [available, parked, paused, processes].map(|family| family.0).concat()
}

fn of_schedules(overdue: &[(String, f64)]) -> String {
    let mut family = Family::new(
        "bellwether_schedule_overdue_seconds",
        "Time for which the next tick has been due, 0 if it is not due",
    );
    for (name, seconds) in overdue {
        family.add(&[("schedule", name)], *seconds);
    }
    family.0
}

fn of_pruning(age: f64) -> String {
    let mut family = Family::new(
        "bellwether_prune_age_seconds",
        "Time since the last complete run of pruning ended",
    );
    family.add(&[], age);
    family.0
}

fn of_limits(limits: &[inspect::LimitGauge]) -> String {
    let mut in_flight =
        Family::new("bellwether_limit_in_flight_calls", "Calls in flight under a limit key");
    let mut waiting = Family::new(
        "bellwether_limit_waiting_jobs",
        "Available and parked jobs in the lanes that a limit key serves",
    );
    let mut parked = Family::new(
        "bellwether_limit_parked_seconds",
        "Time until a limit key's park ends, 0 if it is not parked",
    );
    let mut state = Family::new(
        "bellwether_limit_breaker_state",
        "1 for the state in which a limit key's breaker is",
    );
    let mut failures = Family::new(
        "bellwether_limit_breaker_failures",
        "Consecutive failures that a limit key's breaker has counted",
    );
    for limit in limits {
        let key = ("key", limit.key.as_str());
        in_flight.add(&[key], limit.in_flight as f64);
        waiting.add(&[key], limit.waiting as f64);
        parked.add(&[key], limit.parked_s);
        let Some(now) = limit.breaker else { continue };
        for one in ["closed", "open", "half_open"] {
            state.add(&[key, ("state", one)], f64::from(u8::from(one == now)));
        }
        failures.add(&[key], f64::from(limit.faults));
    }
    [in_flight, waiting, parked, state, failures].map(|family| family.0).concat()
}

fn of_windows(windows: &[inspect::WindowGauge]) -> String {
    let mut amount = Family::new("bellwether_limit_amount", "Amount of a window of a limit key");
    let mut used = Family::new("bellwether_limit_used", "Usage of a window of a limit key");
    let mut remaining =
        Family::new("bellwether_limit_remaining", "Remaining amount of a window of a limit key");
    for window in windows {
        let no = window.no.to_string();
        let labels = [
            ("key", window.key.as_str()),
            ("window", no.as_str()),
            ("dimension", window.dimension.as_str()),
            ("period", window.period.as_str()),
        ];
        amount.add(&labels, window.amount as f64);
        used.add(&labels, window.used as f64);
        remaining.add(&labels, (window.amount - window.used).max(0) as f64);
    }
    [amount, used, remaining].map(|family| family.0).concat()
}

/// One gauge with all its series.
pub(super) struct Family<'a>(pub(super) String, &'a str);

impl<'a> Family<'a> {
    pub(super) fn new(name: &'a str, help: &str) -> Self {
        Self(format!("# HELP {name} {help}\n# TYPE {name} gauge\n"), name)
    }

    pub(super) fn add(&mut self, labels: &[(&str, &str)], value: f64) {
        let escape = |v: &str| v.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<_> =
            labels.iter().map(|(name, v)| format!("{name}=\"{}\"", escape(v))).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        // Prometheus has its own notation of infinity.
        let value = if value == f64::INFINITY { "+Inf".to_owned() } else { value.to_string() };
        writeln!(self.0, "{}{labels} {value}", self.1).expect("a String takes any text");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_with_quotes_stays_one_line() {
        let mut family = Family::new("x", "help");
        family.add(&[("key", "a\"b\\c\nd")], 1.5);
        assert_eq!(family.0, "# HELP x help\n# TYPE x gauge\nx{key=\"a\\\"b\\\\c\\nd\"} 1.5\n");
    }

    #[test]
    fn a_park_without_an_end_is_infinite() {
        let mut family = Family::new("x", "help");
        family.add(&[], f64::INFINITY);
        assert!(family.0.ends_with("\nx +Inf\n"));
    }

    #[test]
    fn a_breaker_shows_in_one_state_and_a_key_without_one_in_none() {
        let limit = |key: &str, breaker| inspect::LimitGauge {
            key: key.to_owned(),
            in_flight: 0,
            waiting: 0,
            parked_s: 0.0,
            breaker,
            faults: 3,
        };
        let text = of_limits(&[limit("a", Some("open")), limit("b", None)]);
        assert!(text.contains("bellwether_limit_breaker_state{key=\"a\",state=\"open\"} 1\n"));
        assert!(text.contains("bellwether_limit_breaker_state{key=\"a\",state=\"closed\"} 0\n"));
        assert!(!text.contains("bellwether_limit_breaker_state{key=\"b\""));
        assert!(text.contains("bellwether_limit_parked_seconds{key=\"b\"} 0\n"));
    }
}
