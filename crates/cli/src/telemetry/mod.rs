//! Where logs, metrics and traces go.

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

/// Of durations in seconds: from a claim on an idle database to a model that thinks.
const BUCKETS: [f64; 16] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0,
    600.0,
];
/// How often what histograms were told is added up, whether or not anybody scrapes them.
const UPKEEP: Duration = Duration::from_secs(5);
/// How long the last spans may take to leave.
const FLUSH: Duration = Duration::from_secs(3);

/// One filter for lines and spans alike: filters of single layers do not nest.
type Filtered = Layered<EnvFilter, Registry>;

/// What was started; to be finished last of all.
pub(crate) struct Telemetry {
    pub(crate) metrics: Option<PrometheusHandle>,
    traces: Option<otlp::Traces>,
}

/// Logs to stderr from here on, counts, and exports spans where an endpoint is named. `role` names
/// the process among others.
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
    // A second subscriber in one process is refused; the first one goes on.
    if let Err(e) = tracing_subscriber::registry().with(filter).with(layers).try_init() {
        eprintln!("bellwether: logging goes on as it was: {e}");
    }
    Telemetry { metrics: recorder(), traces }
}

fn lines(format: LogFormat) -> Box<dyn Layer<Filtered> + Send + Sync> {
    match format {
        LogFormat::Text => fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .boxed(),
        LogFormat::Json => fmt::layer()
            .with_writer(std::io::stderr)
            .fmt_fields(JsonFields::new())
            .event_format(json::OneObject)
            .boxed(),
    }
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
    /// Keeps what is counted small; to run beside everything else.
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
