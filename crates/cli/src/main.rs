//! `bellwether`: every role and every tool of the product in one binary.

mod analyzer;
mod args;
mod commands;
mod csv;
mod database;
mod decide;
mod http;
mod lifecycle;
mod out;
mod providers;
mod telemetry;
mod work;

use std::process::ExitCode;

use crate::{args::Command, telemetry::Telemetry};

fn main() -> ExitCode {
    // Before the options are read: they may come from there.
    let dotenv = args::load_dotenv();
    let cli = args::parse();
    let telemetry = telemetry::start(&cli.log, cli.command.role());
    let metrics = telemetry.metrics.clone();
    if let Err(e) = dotenv {
        eprintln!("bellwether: {}", one_line(&e));
        return ExitCode::FAILURE;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("bellwether: cannot start: {e}");
            return ExitCode::FAILURE;
        }
    };
    runtime.spawn(Telemetry::keep_up(metrics.clone()));
    let result = runtime.block_on(async {
        match cli.command {
            Command::Up(args) => Box::pin(commands::up::run(args, metrics)).await,
            Command::Api(args) => commands::api::run(args, metrics).await,
            Command::Worker(args) => commands::worker::run(args, metrics).await,
            Command::Enqueue(args) => commands::enqueue::run(args).await,
            Command::Migrate(args) => commands::migrate::run(args).await,
            Command::Wait(args) => commands::wait::run(args).await,
            Command::Sandbox(args) => commands::sandbox::run(args).await,
            Command::Jobs(args) => commands::jobs::run(args).await,
            Command::Evaluate(args) => commands::evaluate::run(args).await,
            Command::SentimentEval(args) => Box::pin(commands::sentiment_eval::run(args)).await,
            Command::Try(decide::What::Sentiment(args)) => {
                decide::sentiment(&args, std::io::stdin().lock(), std::io::stdout().lock()).await
            }
            Command::Try(what) => {
                decide::run(what, std::io::stdin().lock(), std::io::stdout().lock())
            }
            Command::Openapi => commands::openapi::run(),
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    telemetry.finish();
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) if out::is_left(&e) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("bellwether: {}", one_line(&e));
            // a kind that does not exist, or arguments that do not fit it, as any other misuse
            if e.is::<bellwether_queue::ArgsError>() {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// The error with its causes; a cause whose words were said already is not repeated.
fn one_line(e: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in e.chain() {
        let text = cause.to_string();
        if line.is_empty() {
            line = text;
        } else if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
    }
    line.replace('\n', " ")
}
