//! Environment variables of the options, and variables that look like misspelled ones.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, Command};

/// Variables of the recipes, the build and the tests.
const TOOLS: [&str; 10] = [
    "BELLWETHER_API",
    "BELLWETHER_COMMIT",
    "BELLWETHER_DEPLOY_TIMEOUT",
    "BELLWETHER_LOG",
    "BELLWETHER_PGBOUNCER",
    "BELLWETHER_SCREENSHOTS",
    "BELLWETHER_TOKEN",
    "BELLWETHER_VERSION",
    // parts of DATABASE_URL in the manifests
    "DATABASE_NAME",
    "DATABASE_USER",
];
/// Similarity, from 0 to 1, from which a name is taken for a misspelling of another.
const NEAR: f64 = 0.94;

/// The variable of an option.
pub(super) fn name(arg: &Arg) -> Option<String> {
    Some(arg.get_env()?.to_str()?.to_owned())
}

/// The value of a variable that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "this is where variables enter")]
pub(super) fn value(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The names of all variables that are set and not empty.
#[expect(clippy::disallowed_methods, reason = "this is where variables enter")]
pub(super) fn names() -> Vec<String> {
    let text = |(name, value): (OsString, OsString)| (!value.is_empty()).then_some(name);
    std::env::vars_os().filter_map(text).filter_map(|name| name.into_string().ok()).collect()
}

/// A warning for each variable of `set` that no option reads and whose first word, or almost the
/// whole name, is one of ours.
pub(super) fn strangers(command: &Command, set: &[String]) -> Vec<String> {
    let mut known = BTreeSet::new();
    collect(command, &mut known);
    let is_known = |name: &str| {
        known.contains(name)
            || TOOLS.contains(&name)
            || name.strip_suffix("_FILE").is_some_and(|of| known.contains(of))
    };
    set.iter()
        .filter(|name| !is_known(name) && !is_service_link(name, set))
        .filter_map(|name| {
            let meant = known
                .iter()
                .filter(|ours| !ours.starts_with("OTEL_") && *ours != "PATH")
                .map(|ours| (strsim::jaro_winkler(&letters(ours), &letters(name)), ours))
                .filter(|(alike, _)| *alike >= NEAR)
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .map(|(_, ours)| format!(": is {ours} meant?"));
            (meant.is_some() || name.starts_with("BELLWETHER_"))
                .then(|| format!("{name} is set and not used{}", meant.unwrap_or_default()))
        })
        .collect()
}

/// A name without its separators, which are most often wrong.
fn letters(name: &str) -> String {
    name.replace('_', "")
}

/// Returns true for a variable that Kubernetes sets in a pod for each service: `API_PORT` stands beside
/// `API_SERVICE_HOST`.
fn is_service_link(name: &str, set: &[String]) -> bool {
    let has_host = |service: &str| set.contains(&format!("{service}_SERVICE_HOST"));
    name.contains("_SERVICE_")
        || name.contains("_PORT_")
        || name.strip_suffix("_PORT").is_some_and(has_host)
}

fn collect(command: &Command, known: &mut BTreeSet<String>) {
    known.extend(command.get_arguments().filter_map(name));
    command.get_subcommands().for_each(|below| collect(below, known));
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn a_misspelled_variable_is_reported_with_the_right_name() {
        let told = |name: &str| strangers(&crate::args::Cli::command(), &[name.to_owned()]).pop();
        for (slip, meant) in [
            ("BELLWETHER_SYMBOLZ", "BELLWETHER_SYMBOLS"),
            ("NEWS_API_KEY", "NEWSAPI_API_KEY"),
            ("ALPHAVANTAGE_API_KEY", "ALPHA_VANTAGE_API_KEY"),
            ("SMTP_URI", "SMTP_URL"),
        ] {
            let said = format!("{slip} is set and not used: is {meant} meant?");
            assert_eq!(told(slip), Some(said));
        }
        let said = told("BELLWETHER_HTTP_PORT").unwrap();
        assert!(said.starts_with("BELLWETHER_HTTP_PORT is set and not used"), "{said}");
        let links = ["BELLWETHER_API_PORT", "BELLWETHER_API_SERVICE_HOST"].map(str::to_owned);
        assert!(strangers(&crate::args::Cli::command(), &links).is_empty());
        let said = told("BELLWETHER_XYZZY").unwrap();
        assert_eq!(said, "BELLWETHER_XYZZY is set and not used");
        for other in [
            "TEST_DATABASE_URL",
            "GEMINI_API_KEY_FILE",
            "BELLWETHER_SYMBOLS",
            "BELLWETHER_API_PORT_3000_TCP",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "RUST_LOG_STYLE",
            "HOME",
        ] {
            assert_eq!(told(other), None);
        }
    }
}
