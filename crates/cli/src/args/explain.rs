//! Errors of the command line, with the names that the user typed.

use clap::{
    Command,
    error::{ContextKind, ContextValue},
};

use super::{environment, secrets};

/// The error with the variable that the value came from, without a value that may be secret, and
/// with a usage line that has nothing of the environment in it.
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
        if let Some(variable) = variable
            && !line.iter().any(is_flag)
        {
            let place = if environment::value(&variable).is_some() {
                format!("{variable} ({option})")
            } else {
                format!("{variable}_FILE ({option})")
            };
            e.insert(ContextKind::InvalidArg, ContextValue::String(place));
        }
    }
    if e.get(ContextKind::Usage).is_some() {
        let mut command = command.clone();
        command.build();
        e.insert(ContextKind::Usage, ContextValue::StyledStr(called(command, line).render_usage()));
    }
    e
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
