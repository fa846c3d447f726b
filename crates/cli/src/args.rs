//! The command line: every option with its environment variable.

mod providers;
mod serve;
mod tools;

use std::ffi::OsStr;

use anyhow::{Context, bail};
use clap::{
    Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
    error::{ContextKind, ContextValue, ErrorKind},
};

pub(crate) use self::{
    providers::ProviderArgs,
    serve::{ApiArgs, DatabaseArgs, HttpArgs, Role, SandboxArgs, UpArgs, WatchArgs, WorkerArgs},
    tools::{
        Direction, EnqueueArgs, EvaluateArgs, JobsAction, JobsArgs, MigrateArgs, SentimentEvalArgs,
        Wait, WaitArgs,
    },
};

/// Market data and news in, trading signals and alerts out.
#[derive(Parser)]
#[command(name = "bellwether", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) log: LogArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process: database, sandbox where a key is missing, workers, API
    Up(UpArgs),
    /// Serve the HTTP API, its events and the page
    Api(ApiArgs),
    /// Run one worker role and serve its HTTP port (scraper 5000, analyzer 5001, alert 5002)
    Worker(WorkerArgs),
    /// Add a job and print its id
    Enqueue(EnqueueArgs),
    /// Bring the database to this version's schema, back, or say where it stands
    Migrate(MigrateArgs),
    /// Wait until the database answers
    Wait(WaitArgs),
    /// Run the provider sandbox alone
    Sandbox(SandboxArgs),
    /// Look at jobs, retry and cancel them
    Jobs(JobsArgs),
    /// Say how good the stored signals have been, against chance
    Evaluate(EvaluateArgs),
    /// Score an analyzer on texts whose label is known
    SentimentEval(SentimentEvalArgs),
    /// Make one decision of the pipeline for each line of JSON on stdin; nothing is stored
    #[command(subcommand)]
    Try(crate::decide::What),
    /// Print the API's description
    Openapi,
}

impl Command {
    /// What this process is among others, in traces.
    pub(crate) fn role(&self) -> &'static str {
        match self {
            Self::Up(_) => "up",
            Self::Api(_) => "api",
            Self::Worker(args) => match args.role {
                Role::Scraper => "scraper",
                Role::Analyzer => "analyzer",
                Role::Alert => "alert",
            },
            _ => "cli",
        }
    }
}

#[derive(Args)]
pub(crate) struct LogArgs {
    /// How log lines look; they go to stderr
    #[arg(long, env = "BELLWETHER_LOG_FORMAT", value_enum, default_value = "text", global = true)]
    pub(crate) log_format: LogFormat,
    /// Which log lines, as `tracing` filters them, for example `info,bellwether_queue=debug`
    #[arg(
        long,
        env = "RUST_LOG",
        default_value = "info,sqlx::postgres::notice=warn",
        global = true
    )]
    pub(crate) log_filter: String,
    /// A collector that takes traces by OTLP over HTTP; without it none are exported
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", global = true)]
    pub(crate) otlp_endpoint: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

const DOTENV: &str = ".env";

/// Reads `.env` from the working folder, where there is one. Variables that are set already stay.
pub(crate) fn load_dotenv() -> anyhow::Result<()> {
    match dotenvy::from_path(DOTENV) {
        Err(dotenvy::Error::Io(e)) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        // the error would repeat the line, with the secret that may be in it
        Err(dotenvy::Error::LineParse(text, _)) => bail!(
            "cannot read .env{}: a line is NAME=value, and a value with spaces or signs is quoted",
            line_of(&text).map(|n| format!(", line {n}")).unwrap_or_default()
        ),
        other => other.context("cannot read .env"),
    }
}

/// Where the file says what could not be read; what was read may be several lines as one.
fn line_of(text: &str) -> Option<usize> {
    let file = std::fs::read_to_string(DOTENV).ok()?;
    let first = text.lines().next()?.trim_end();
    file.lines().position(|line| line.contains(first)).map(|n| n + 1)
}

/// Reads the command line and the environment; ends the process with a word on wrong usage.
///
/// An empty variable is as good as none: `.env` files, compose files and manifests often name one
/// and leave it empty.
pub(crate) fn parse() -> Cli {
    let matches = without_empty(Cli::command()).try_get_matches();
    let matches = match matches {
        // the help names every variable, an empty one too
        Err(e) if e.kind() == ErrorKind::DisplayHelp => Cli::command().get_matches(),
        Err(e) => without_secret(e, &Cli::command()).exit(),
        Ok(matches) => matches,
    };
    Cli::from_arg_matches(&matches).unwrap_or_else(|e| e.exit())
}

/// A value that does not fit is repeated to whoever gave it, unless it may hold a secret.
fn without_secret(mut e: clap::Error, command: &clap::Command) -> clap::Error {
    let option = match e.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) => option.split([' ', '=']).next().unwrap_or_default(),
        _ => return e,
    };
    if holds_secret(command, option.trim_start_matches('-')) {
        e.insert(ContextKind::InvalidValue, ContextValue::String("(not shown)".to_owned()));
    }
    e
}

fn holds_secret(command: &clap::Command, option: &str) -> bool {
    let is = |arg: &clap::Arg| arg.get_long() == Some(option) && arg.is_hide_env_values_set();
    command.get_arguments().any(is)
        || command.get_subcommands().any(|below| holds_secret(below, option))
}

fn without_empty(command: clap::Command) -> clap::Command {
    #[expect(clippy::disallowed_methods, reason = "asked as clap asks, and not for its value")]
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let heed = |arg: clap::Arg| {
        if arg.get_env().is_some_and(is_empty) { arg.env(None) } else { arg }
    };
    command.mut_args(heed).mut_subcommands(without_empty)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    /// The options of a command and of those below it, each with its variable.
    fn options(command: &clap::Command, found: &mut Vec<(String, Option<String>)>) {
        for arg in command.get_arguments().filter(|arg| !arg.is_positional()) {
            let env = arg.get_env().map(|name| name.to_string_lossy().into_owned());
            assert!(
                arg.get_help().is_some(),
                "{} --{} says nothing of itself",
                command.get_name(),
                arg.get_id()
            );
            found.push((format!("{} --{}", command.get_name(), arg.get_id()), env));
        }
        for below in command.get_subcommands() {
            options(below, found);
        }
    }

    #[test]
    fn every_option_has_a_variable_and_the_example_lists_it() {
        let mut found = Vec::new();
        options(&Cli::command(), &mut found);
        assert!(found.len() > 100, "all commands were looked through: {}", found.len());
        let example = include_str!("../../../.env.example");
        let listed: BTreeSet<&str> = example
            .lines()
            .filter_map(|line| line.strip_prefix("# ")?.split_once('='))
            .map(|(name, _)| name)
            .collect();
        for (option, variable) in found {
            let variable = variable.unwrap_or_else(|| panic!("{option} has no variable"));
            assert!(variable == "PATH" || listed.contains(variable.as_str()), "{variable}");
        }
    }
}
