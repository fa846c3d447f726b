//! `bellwether`: every role and every tool of the product in one binary.

mod analyzer;
mod args;
mod backup;
mod commands;
mod csv;
mod database;
mod lifecycle;
mod misuse;
mod out;
mod providers;
mod runtime;
mod telemetry;
mod watch;
mod work;

use std::process::ExitCode;

use metrics_exporter_prometheus::PrometheusHandle;
use sqlx::postgres::PgDatabaseError;

use crate::{
    args::{Command, LogFormat},
    misuse::Misuse,
    telemetry::Telemetry,
};

fn main() -> ExitCode {
    // Before the options are parsed: their values may come from there.
    let dotenv = args::dotenv::load();
    let args::Parsed { cli, warnings, watches } = args::parse();
    let telemetry = telemetry::start(&cli.log, cli.command.role());
    let metrics = telemetry.metrics.clone();
    if let Err(e) = dotenv {
        eprintln!("bellwether: {}", one_line(&e));
        return ExitCode::FAILURE;
    }
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("bellwether: cannot start: {e}");
            return ExitCode::FAILURE;
        }
    };
    runtime.spawn(Telemetry::keep_up(metrics.clone()));
    let as_json = matches!(cli.log.log_format, LogFormat::Json);
    let drains = cli.command.drains();
    let work = run(cli.command, metrics);
    let result = runtime.block_on(async {
        if drains { work.await } else { lifecycle::until_told(Box::pin(work), watches).await }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    telemetry.finish();
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) if out::is_left(&e) => ExitCode::SUCCESS,
        Err(e) => {
            if as_json {
                tracing::error!("{}", one_line(&e));
            } else {
                eprintln!("bellwether: {}", one_line(&e));
            }
            // an unknown kind, or arguments that do not fit it, is wrong usage as well
            if e.is::<bellwether_queue::ArgsError>() || e.is::<Misuse>() {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

async fn run(command: Command, metrics: Option<PrometheusHandle>) -> anyhow::Result<bool> {
    match command {
        Command::Up(args) => Box::pin(commands::up::run(args, metrics)).await,
        Command::Api(args) => commands::api::run(args, metrics).await,
        Command::Worker(args) => commands::worker::run(args, metrics).await,
        Command::Enqueue(args) => commands::enqueue::run(args).await,
        Command::Migrate(args) => commands::migrate::run(args).await,
        Command::Backup(args) => commands::backup::run(args).await,
        Command::Restore(args) => commands::restore::run(args).await,
        Command::Wait(args) => commands::wait::run(args).await,
        Command::Sandbox(args) => commands::sandbox::run(args).await,
        Command::Jobs(args) => commands::jobs::run(args).await,
        Command::Limits(args) => commands::limits::run(args).await,
        Command::Queues(args) => commands::queues::run(args).await,
        Command::Schedules(args) => commands::schedules::run(args).await,
        Command::Workers(args) => commands::workers::run(args).await,
        Command::Watch(args) => commands::watch::run(args).await,
        Command::Evaluate(args) => commands::evaluate::run(args).await,
        Command::SentimentEval(args) => Box::pin(commands::sentiment_eval::run(args)).await,
        Command::Try(what) => commands::try_::on_stdin(what).await,
        Command::Openapi => commands::openapi::run(),
        Command::Completions(args) => commands::completions::run(&args),
    }
}

/// The error with its causes, without repetitions.
fn one_line(e: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in e.chain() {
        let text = reason(cause);
        if line.is_empty() {
            line = text;
        } else if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
    }
    line.replace('\n', " ")
}

/// The text of an error; of PostgreSQL's, without the source line that sqlx adds.
fn reason(cause: &(dyn std::error::Error + 'static)) -> String {
    match (cause.downcast_ref::<sqlx::Error>(), cause.downcast_ref::<PgDatabaseError>()) {
        (Some(sqlx::Error::Database(e)), _) => e.message().to_owned(),
        (_, Some(e)) => e.message().to_owned(),
        _ => cause.to_string(),
    }
}
