//! Logs, metrics and traces.

mod catalog;
mod json;
mod otlp;

use std::{
    io::IsTerminal,
    time::{Duration, SystemTime},
};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    fmt::{self, format::JsonFields},
    layer::{Layered, SubscriberExt},
    util::SubscriberInitExt,
};

use crate::args::{LogArgs, LogFormat};

/// Buckets of durations in seconds: from a claim on an idle database to a slow model.
const BUCKETS: [f64; 16] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0,
    600.0,
];
/// Interval at which histograms are aggregated, also without a scraper.
const UPKEEP: Duration = Duration::from_secs(5);
/// Time that the last spans may take to be exported.
const FLUSH: Duration = Duration::from_secs(3);

/// One filter for lines and spans: filters of single layers do not nest.
type Filtered = Layered<EnvFilter, Registry>;

/// The running exporters; to be shut down last.
pub(crate) struct Telemetry {
    pub(crate) metrics: Option<PrometheusHandle>,
    traces: Option<otlp::Traces>,
}

/// Starts logs to stderr, metrics, and the export of spans if an endpoint is given. `role` names
/// the process in traces.
pub(crate) fn start(args: &LogArgs, role: &str) -> Telemetry {
    let filter = EnvFilter::try_new(&args.log_filter).unwrap_or_else(|e| {
        eprintln!("bellwether: cannot read the log filter, logging at info: {e}");
        EnvFilter::new("info")
    });
    let traces = args.otlp_endpoint.as_deref().filter(|endpoint| !endpoint.is_empty());
    let traces = traces.and_then(|endpoint| {
        otlp::Traces::start(endpoint, role)
            .inspect_err(|e| eprintln!("bellwether: traces are not exported: {e}"))
            .ok()
    });
    let layers: Vec<Box<dyn Layer<Filtered> + Send + Sync>> =
        [Some(lines(args.log_format)), traces.as_ref().map(otlp::Traces::layer)]
            .into_iter()
            .flatten()
            .collect();
    // A second subscriber in one process is refused; the first one stays.
    if let Err(e) = tracing_subscriber::registry().with(filter).with(layers).try_init() {
        eprintln!("bellwether: logging goes on as it was: {e}");
    }
    Telemetry { metrics: recorder(), traces }
}

fn lines(format: LogFormat) -> Box<dyn Layer<Filtered> + Send + Sync> {
    match format {
        LogFormat::Text => fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal() && !is_plain())
            .with_target(false)
            .boxed(),
        LogFormat::Json => fmt::layer()
            .with_writer(std::io::stderr)
            .fmt_fields(JsonFields::new())
            .event_format(json::OneObject)
            .boxed(),
    }
}

/// Returns true if the user wants no colors (<https://no-color.org>).
#[expect(clippy::disallowed_methods, reason = "a convention of all programs, no option of ours")]
fn is_plain() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

fn recorder() -> Option<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .ok()?;
    catalog::describe();
    if let Ok(now) = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        metrics::gauge!("bellwether_process_start_time_seconds").set(now.as_secs_f64());
    }
    Some(handle)
}

impl Telemetry {
    /// Limits the memory of histograms; runs beside the command.
    pub(crate) async fn keep_up(metrics: Option<PrometheusHandle>) {
        let Some(metrics) = metrics else { return };
        loop {
            tokio::time::sleep(UPKEEP).await;
            metrics.run_upkeep();
        }
    }

    /// Sends the last spans, for at most 3 s.
    pub(crate) fn finish(self) {
        if let Some(traces) = self.traces {
            traces.finish(FLUSH);
        }
    }
}
