//! Metrics of a process's own work, for the recorder that the program has installed.

use metrics::{counter, histogram};
use tokio::time::Instant;

use crate::{
    Error,
    attempt::{Claimed, count_permit},
};

/// So that what has never happened reads 0 and not nothing.
pub(super) fn begin() {
    counter!("bellwether_leases_lost_total").absolute(0);
    counter!("bellwether_rescued_jobs_total").absolute(0);
    counter!("bellwether_dead_processes_total").absolute(0);
}

pub(super) fn claim(queue: &str, asked: Instant, result: &Result<Vec<Claimed>, Error>) {
    let queue = queue.to_owned();
    let word = match result {
        Ok(claimed) if claimed.is_empty() => "empty",
        Ok(_) => "jobs",
        Err(_) => "error",
    };
    counter!("bellwether_claims_total", "queue" => queue.clone(), "result" => word).increment(1);
    histogram!("bellwether_claim_seconds", "queue" => queue.clone()).record(asked.elapsed());
    let Ok(claimed) = result else { return };
    counter!("bellwether_claimed_jobs_total", "queue" => queue.clone())
        .increment(claimed.len() as u64);
    for job in claimed {
        histogram!("bellwether_job_wait_seconds", "queue" => queue.clone(), "kind" => job.kind.clone())
            .record(job.waited);
        if let Some(key) = &job.key {
            count_permit(key, true);
        }
    }
}

pub(super) fn beat(got_through: bool) {
    let result = if got_through { "ok" } else { "error" };
    counter!("bellwether_heartbeats_total", "result" => result).increment(1);
}

pub(super) fn rescue(dead: usize, jobs: u64) {
    counter!("bellwether_dead_processes_total").increment(dead as u64);
    counter!("bellwether_rescued_jobs_total").increment(jobs);
}

pub(super) fn lease_lost() {
    counter!("bellwether_leases_lost_total").increment(1);
}
