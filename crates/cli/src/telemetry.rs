//! Where logs and metrics go.

use std::io::IsTerminal;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::args::{LogArgs, LogFormat};

/// Logs to stderr from here on; returns the handle that renders the metrics.
pub(crate) fn start(args: &LogArgs) -> Option<PrometheusHandle> {
    let filter = EnvFilter::try_new(&args.log_filter).unwrap_or_else(|e| {
        eprintln!("bellwether: cannot read the log filter, logging at info: {e}");
        EnvFilter::new("info")
    });
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // A second subscriber in one process is refused; the first one goes on.
    let installed = match args.log_format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if let Err(e) = installed {
        eprintln!("bellwether: logging goes on as it was: {e}");
    }
    PrometheusBuilder::new().install_recorder().ok()
}
