//! The command line: every option with its environment variable.

pub(crate) mod dotenv;
mod environment;
mod explain;
mod providers;
mod secrets;
pub(crate) mod value;

use clap::{
    ArgAction, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
    builder::BoolishValueParser, error::ErrorKind,
};

pub(crate) use self::providers::{Given, Provider, ProviderArgs};
use crate::commands::{
    api::ApiArgs, backup::BackupArgs, completions::CompletionsArgs, enqueue::EnqueueArgs,
    evaluate::EvaluateArgs, jobs::JobsArgs, limits::LimitsArgs, migrate::MigrateArgs,
    queues::QueuesArgs, restore::RestoreArgs, sandbox::SandboxArgs, schedules::SchedulesArgs,
    sentiment_eval::SentimentEvalArgs, try_::What, up::UpArgs, wait::WaitArgs,
    watch::WatchlistArgs, worker::WorkerArgs, workers::WorkersArgs,
};
pub(crate) use crate::{commands::worker::Role, runtime::WatchArgs};

/// Market data and news in, trading signals and alerts out.
#[derive(Parser)]
#[command(
    name = "bellwether",
    version = env!("BELLWETHER_BUILD"),
    propagate_version = true,
    after_help = "Every option has the variable that is named beside it, and every secret can come \
                  from a file: NAME_FILE holds its path."
)]
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
    /// Serve the HTTP API, its events and the pages
    Api(ApiArgs),
    /// Run one worker role and serve its HTTP port (scraper 5000, analyzer 5001, alert 5002)
    Worker(WorkerArgs),
    /// Add a job and print its id
    Enqueue(EnqueueArgs),
    /// Migrate the database to this version's schema or back, or print its status
    Migrate(MigrateArgs),
    /// Write every row of the database to a file, in one snapshot
    Backup(BackupArgs),
    /// Replace the database's rows by those of a backup, in one transaction
    Restore(RestoreArgs),
    /// Wait until the database answers
    Wait(WaitArgs),
    /// Run the provider sandbox alone
    Sandbox(SandboxArgs),
    /// List jobs, show one, retry and cancel them
    Jobs(JobsArgs),
    /// List the providers' limits, park and resume them
    Limits(LimitsArgs),
    /// List the queues, pause and resume them, set how much of each runs at a time
    Queues(QueuesArgs),
    /// List the schedules, run, pause and resume them
    Schedules(SchedulesArgs),
    /// List the processes that work jobs
    Workers(WorkersArgs),
    /// List the watchlist, add symbols and remove them
    Watch(WatchlistArgs),
    /// Measure the quality of the stored signals, compared with chance
    Evaluate(EvaluateArgs),
    /// Score an analyzer on labelled texts
    SentimentEval(SentimentEvalArgs),
    /// Make one decision of the pipeline for each line of JSON on stdin; nothing is stored
    #[command(subcommand)]
    Try(What),
    /// Print the API's description
    Openapi,
    /// Print a script that completes commands and options in a shell
    Completions(CompletionsArgs),
}

impl Command {
    /// Returns true if it runs until a signal tells it to drain.
    pub(crate) fn drains(&self) -> bool {
        matches!(self, Self::Up(_) | Self::Api(_) | Self::Worker(_) | Self::Sandbox(_))
    }

    /// Role of this process in traces.
    pub(crate) fn role(&self) -> &'static str {
        match self {
            Self::Up(_) => "up",
            Self::Api(_) => "api",
            Self::Worker(args) => args.role.name(),
            _ => "cli",
        }
    }
}

#[derive(Args)]
#[command(next_help_heading = "Logs and traces")]
pub(crate) struct LogArgs {
    /// Format of log lines; they go to stderr
    #[arg(long, env = "BELLWETHER_LOG_FORMAT", value_enum, default_value = "text", global = true)]
    pub(crate) log_format: LogFormat,
    /// Filter of log lines, in the syntax of `tracing`, for example `info,bellwether_queue=debug`
    #[arg(
        long,
        env = "RUST_LOG",
        default_value = "info,sqlx::postgres::notice=warn",
        global = true
    )]
    pub(crate) log_filter: String,
    /// Collector of traces by OTLP over HTTP; without it none are exported
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", hide_env_values = true, global = true)]
    pub(crate) otlp_endpoint: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// The command line, and the warnings to log once logs are written.
pub(crate) struct Parsed {
    pub(crate) cli: Cli,
    pub(crate) warnings: Vec<String>,
    /// True for a list that is shown until a signal ends it.
    pub(crate) watches: bool,
}

/// Reads the command line, the environment and the files that it names; ends the process with a
/// message on wrong usage.
///
/// An empty variable counts as not set: `.env` files, compose files and manifests often name a
/// variable and leave it empty.
pub(crate) fn parse() -> Parsed {
    let line: Vec<String> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let command = Cli::command();
    let chosen = line.iter().find_map(|word| command.find_subcommand(word));
    let read = match chosen {
        Some(chosen) => secrets::from_files(&within(&command, chosen)),
        None => Ok(std::collections::BTreeMap::new()),
    };
    let values =
        read.unwrap_or_else(|e| Cli::command().error(ErrorKind::ValueValidation, e).exit());
    let matches = match without_empty(secrets::given(with_flags(Cli::command()), &values))
        .try_get_matches()
    {
        // the help names every variable, also an empty one
        Err(e) if e.kind() == ErrorKind::DisplayHelp => Cli::command().get_matches(),
        Err(e) => explain::explained(e, &Cli::command(), &line).exit(),
        Ok(matches) => matches,
    };
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|e| e.exit());
    let mut warnings = secrets::on_command_line(&command, &matches);
    warnings.extend(environment::strangers(&command, &environment::names()));
    Parsed { cli, warnings, watches: watches(&matches) }
}

/// Returns true if the command chosen has `--watch`.
fn watches(matches: &ArgMatches) -> bool {
    matches.try_get_one("watch").ok().flatten() == Some(&true)
        || matches.subcommand().is_some_and(|(_, below)| watches(below))
}

/// A command with those below it.
fn within<'a>(root: &'a clap::Command, chosen: &'a clap::Command) -> Vec<&'a clap::Command> {
    let mut all = vec![root, chosen];
    let mut from = 1;
    while let Some(command) = all.get(from).copied() {
        all.extend(command.get_subcommands());
        from += 1;
    }
    all
}

/// A flag's variable is read as people write it: 1, yes, on or true, and their opposites.
fn with_flags(command: clap::Command) -> clap::Command {
    let read = |arg: clap::Arg| match arg.get_action() {
        ArgAction::SetTrue => arg.value_parser(BoolishValueParser::new()),
        _ => arg,
    };
    command.mut_args(read).mut_subcommands(with_flags)
}

fn without_empty(command: clap::Command) -> clap::Command {
    let heed = |arg: clap::Arg| match environment::name(&arg) {
        Some(name) if environment::value(&name).is_none() => arg.env(None),
        _ => arg,
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
                "{} --{} has no help text",
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
        assert!(example.contains("NAME_FILE"), "it says that a secret can come from a file");
    }

    /// Variables whose names say that they are secret.
    #[test]
    fn every_secret_is_shown_nowhere_and_can_come_from_a_file() {
        fn look(command: &clap::Command, seen: &mut usize) {
            for arg in command.get_arguments() {
                let name = environment::name(arg).unwrap_or_default();
                let secret = ["_KEY", "_TOKEN", "_TOKENS", "_URL", "_ENDPOINT"]
                    .iter()
                    .any(|end| name.ends_with(end))
                    && name != "BELLWETHER_ENQUEUE_UNIQUE_KEY";
                assert!(!secret || secrets::is_secret(arg), "{name}");
                *seen += usize::from(secret);
            }
            command.get_subcommands().for_each(|below| look(below, seen));
        }
        let mut seen = 0;
        look(&Cli::command(), &mut seen);
        assert!(seen > 15, "{seen}");
    }
}
