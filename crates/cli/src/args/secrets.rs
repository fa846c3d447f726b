//! Secrets: each may come from the file that `NAME_FILE` names. None should be on the command line,
//! which every process of the machine can read.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Arg, ArgMatches, Command, parser::ValueSource};
use url::Url;

use super::environment;
use crate::misuse::{Misuse, misused};

/// Returns true if a value of this option may be secret.
pub(super) fn is_secret(arg: &Arg) -> bool {
    arg.is_hide_env_values_set()
}

/// The values of the secrets of `commands` that files hold, by variable.
pub(super) fn from_files(commands: &[&Command]) -> Result<BTreeMap<String, String>, Misuse> {
    let mut values = BTreeMap::new();
    let secrets = commands.iter().flat_map(|c| c.get_arguments()).filter(|arg| is_secret(arg));
    for name in secrets.filter_map(environment::name) {
        let file = format!("{name}_FILE");
        let Some(path) = environment::value(&file) else { continue };
        if environment::value(&name).is_some() {
            misused!("{name} and {file} are both set: set one of them");
        }
        match std::fs::read_to_string(&path) {
            Ok(text) if text.contains('\0') => misused!("{file}: {} holds no text", path.display()),
            Ok(text) => {
                let text = text.strip_suffix('\n').unwrap_or(&text);
                let text = text.strip_suffix('\r').unwrap_or(text);
                if !text.is_empty() {
                    values.insert(name, text.to_owned());
                }
            }
            Err(e) => misused!("{file}: cannot read {}: {e}", path.display()),
        }
    }
    Ok(values)
}

/// The command with the files' values as defaults, which are never shown.
pub(super) fn given(command: Command, values: &BTreeMap<String, String>) -> Command {
    let heed = |arg: Arg| match environment::name(&arg).and_then(|name| values.get(&name)) {
        Some(value) if is_secret(&arg) => arg.default_value(value.clone()).hide_default_value(true),
        _ => arg,
    };
    command.mut_args(heed).mut_subcommands(|below| given(below, values))
}

/// A warning for each secret that was given as an option.
pub(super) fn on_command_line(command: &Command, matches: &ArgMatches) -> Vec<String> {
    let mut names = BTreeSet::new();
    let (mut command, mut matches) = (command, matches);
    loop {
        for arg in command.get_arguments().filter(|arg| is_secret(arg)) {
            let id = arg.get_id().as_str();
            if matches.value_source(id) == Some(ValueSource::CommandLine)
                && matches.get_raw(id).into_iter().flatten().any(|v| shows(arg, v))
            {
                names.extend(environment::name(arg));
            }
        }
        match matches.subcommand() {
            Some((name, below)) => match command.find_subcommand(name) {
                Some(found) => (command, matches) = (found, below),
                None => break,
            },
            None => break,
        }
    }
    names
        .into_iter()
        .map(|name| {
            format!(
                "a secret on the command line can be read by every user of this machine: \
                 set {name}, or {name}_FILE to a file that holds it"
            )
        })
        .collect()
}

/// The address of a server is secret if it has a password; a webhook's always is.
fn shows(arg: &Arg, value: &std::ffi::OsStr) -> bool {
    let address = value.to_str().and_then(|text| Url::parse(text).ok());
    arg.get_id() == "alert_webhook_url" || address.is_none_or(|url| url.password().is_some())
}
