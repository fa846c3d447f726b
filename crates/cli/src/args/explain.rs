//! Errors of the command line, with the names that the user typed.

use clap::{
    Command,
    error::{ContextKind, ContextValue},
};

use super::{environment, secrets};

/// The error with the variable of each option, first the variable if the value came from it, without
/// a value that may be secret, and with a usage line that has nothing of the environment in it.
pub(super) fn explained(mut e: clap::Error, command: &Command, line: &[String]) -> clap::Error {
    let option = match e.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) => option.clone(),
        _ => String::new(),
    };
    let flag = option.split([' ', '=']).next().unwrap_or_default();
    let flag = flag.strip_prefix("--").unwrap_or_default();
    if let Some((is_secret, variable)) = find(command, flag) {
        if is_secret {
            let hidden = ContextValue::String("(not shown)".to_owned());
            e.insert(ContextKind::InvalidValue, hidden);
        }
        let is_flag = |word: &String| {
            word.strip_prefix("--").is_some_and(|word| word.split('=').next() == Some(flag))
        };
        if let Some(variable) = variable {
            let place = if line.iter().any(is_flag) {
                format!("{option} ({variable})")
            } else if environment::value(&variable).is_some() {
                format!("{variable} ({option})")
            } else {
                format!("{variable}_FILE ({option})")
            };
            e.insert(ContextKind::InvalidArg, ContextValue::String(place));
        }
    }
    // options that are missing, or that exclude another one
    for kind in [ContextKind::InvalidArg, ContextKind::PriorArg] {
        let with_variables = match e.get(kind) {
            Some(ContextValue::Strings(options)) => {
                options.iter().map(|option| with_variable(command, option)).collect()
            }
            Some(ContextValue::String(option)) if kind == ContextKind::PriorArg => {
                vec![with_variable(command, option)]
            }
            _ => continue,
        };
        e.insert(kind, ContextValue::Strings(with_variables));
    }
    if e.get(ContextKind::Usage).is_some() {
        let mut command = command.clone();
        command.build();
        e.insert(ContextKind::Usage, ContextValue::StyledStr(called(command, line).render_usage()));
    }
    e
}

/// An option as clap shows it, with its variable.
fn with_variable(command: &Command, option: &str) -> String {
    let flag = option.split([' ', '=']).next().unwrap_or_default();
    let flag = flag.strip_prefix("--").unwrap_or_default();
    match find(command, flag) {
        Some((_, Some(variable))) => format!("{option} ({variable})"),
        _ => option.to_owned(),
    }
}

/// The command that the arguments name.
fn called(command: Command, line: &[String]) -> Command {
    let found = line.iter().enumerate().find_map(|(n, word)| {
        command.find_subcommand(word).map(|below| (below.clone(), &line[n + 1..]))
    });
    match found {
        Some((below, rest)) => called(below, rest),
        None => command,
    }
}

/// Finds an option by its flag; returns true for a secret one, and its variable.
fn find(command: &Command, flag: &str) -> Option<(bool, Option<String>)> {
    let own = command.get_arguments().find(|arg| arg.get_long() == Some(flag));
    own.map(|arg| (secrets::is_secret(arg), environment::name(arg)))
        .or_else(|| command.get_subcommands().find_map(|below| find(below, flag)))
}
