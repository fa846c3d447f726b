//! Descriptions of this process's metrics: the help lines of `/metrics`. docs/metrics.md says more.

use metrics::{describe_counter, describe_gauge, describe_histogram};

pub(super) fn describe() {
    describe_counter!("bellwether_job_attempts_total", "Attempts that ended, by outcome");
    describe_histogram!(
        "bellwether_job_run_seconds",
        "From an attempt's arrival at its handler to its end"
    );
    describe_histogram!(
        "bellwether_job_wait_seconds",
        "From available to claimed, by the database's clock"
    );
    describe_gauge!("bellwether_worker_running_jobs", "Attempts under way in this process");
    describe_gauge!("bellwether_worker_slots", "Attempts that this process runs at a time at most");
    describe_counter!("bellwether_claims_total", "Claims sent to the database");
    describe_counter!("bellwether_claimed_jobs_total", "Jobs that claims returned");
    describe_histogram!(
        "bellwether_claim_seconds",
        "Time of a claim, with the wait for a connection"
    );
    describe_counter!(
        "bellwether_leases_lost_total",
        "Attempts of this process that lost their lease"
    );
    describe_counter!(
        "bellwether_rescued_jobs_total",
        "Jobs of dead processes that this process rescued"
    );
    describe_counter!("bellwether_dead_processes_total", "Processes that this process found dead");
    describe_counter!("bellwether_heartbeats_total", "Heartbeats of this process");
    describe_counter!("bellwether_schedule_ticks_total", "Ticks that this process made");
    describe_counter!("bellwether_limit_grants_total", "Permits that this process got");
    describe_counter!(
        "bellwether_limit_refusals_total",
        "Permits that this process asked for by exchange and did not get"
    );
    describe_counter!("bellwether_provider_calls_total", "Requests and messages sent, by outcome");
    describe_histogram!(
        "bellwether_provider_call_seconds",
        "From the first byte out to the verdict"
    );
    describe_counter!("bellwether_provider_tokens_total", "Tokens as the provider reported them");
    describe_counter!(
        "bellwether_provider_cost_microdollars_total",
        "Cost of those tokens, in millionths of a US dollar"
    );
    describe_counter!("bellwether_http_requests_total", "Requests answered");
    describe_counter!("bellwether_http_wrong_tokens_total", "Requests with an unknown token");
    describe_counter!(
        "bellwether_http_connections_refused_total",
        "Connections refused because their address has half of all connections"
    );
    describe_histogram!("bellwether_http_request_seconds", "Until an answer's head was ready");
    describe_gauge!("bellwether_sse_clients", "Open event streams");
    describe_counter!("bellwether_sse_events_total", "Events sent to clients");
    describe_gauge!("bellwether_database_pool_connections", "Connections of this process's pool");
    describe_gauge!(
        "bellwether_database_pool_max_connections",
        "The most connections that the pool may open"
    );
    describe_gauge!("bellwether_build_info", "Always 1; the labels say what this is");
    describe_gauge!(
        "bellwether_process_start_time_seconds",
        "When the process started, in seconds since 1970"
    );
    describe_gauge!("bellwether_process_draining", "1 once the process has been told to stop");
}
