//! Services that need several variables together.

use bellwether_providers::catalog::{self, Serves};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    args::{Provider, ProviderArgs, Role},
    misuse::{Misuse, misused},
};

/// A service with its variables, each set or not. If none is set, errors name the first one.
struct Part {
    subject: &'static str,
    variables: Vec<(&'static str, bool)>,
}

/// Fails if a service that this process calls has some of its variables and not all: the given ones
/// would not be used. `None` means every role.
pub(crate) fn check(args: &ProviderArgs, role: Option<Role>) -> Result<(), Misuse> {
    for part in [texts(args), mail(args), own_model(args)] {
        if reaches(role, part.subject) && is_half(&part.variables) {
            misused!("{}: {} needs all of them", lack(&part.variables), part.subject);
        }
    }
    if is_set(args.openai_api_key.as_ref()) && args.openai_base_url.is_none() {
        tracing::warn!(
            "OPENAI_API_KEY is not used: OPENAI_BASE_URL and OPENAI_MODEL name the server and the \
             model, and are not set"
        );
    }
    Ok(())
}

/// Returns true if a process of the role calls the provider named `subject`.
pub(crate) fn reaches(role: Option<Role>, subject: &str) -> bool {
    called_by(role).iter().any(|provider| provider.name == subject)
}

/// The providers that a process of a role calls itself. `None` means every role.
pub(crate) fn called_by(role: Option<Role>) -> Vec<Provider> {
    let is_own = |provider: &Provider| {
        role.is_none_or(|role| match provider.serves {
            Serves::Market(_) | Serves::News(_) | Serves::Feeds => role == Role::Scraper,
            Serves::Models(_) => role == Role::Analyzer,
            Serves::Messages => role == Role::Alert,
        })
    };
    catalog::ALL.into_iter().filter(is_own).collect()
}

/// The variables that text messages lack.
pub(crate) fn lack_of_texts(args: &ProviderArgs) -> String {
    lack(&texts(args).variables)
}

/// The variables that mail lacks.
pub(crate) fn lack_of_mail(args: &ProviderArgs) -> String {
    lack(&mail(args).variables)
}

/// The variable that a provider with one key lacks: an address alone makes no difference.
pub(crate) fn lack_of_key(provider: Provider, has_base_url: bool) -> String {
    let (key, base_url) = (provider.variable("API_KEY"), provider.variable("BASE_URL"));
    let mut variables = vec![(key.as_str(), false)];
    variables.extend(has_base_url.then_some((base_url.as_str(), true)));
    lack(&variables)
}

fn texts(args: &ProviderArgs) -> Part {
    let variables = vec![
        ("TWILIO_ACCOUNT_SID", is_given(args.twilio_account_sid.as_deref())),
        ("TWILIO_AUTH_TOKEN", is_set(args.twilio_auth_token.as_ref())),
        ("TWILIO_FROM", is_given(args.twilio_from.as_deref())),
        ("ALERT_SMS_TO", !super::recipients(&args.alert_sms_to).is_empty()),
    ];
    Part { subject: "twilio", variables }
}

fn mail(args: &ProviderArgs) -> Part {
    let variables = vec![
        ("SMTP_URL", is_set(args.smtp_url.as_ref())),
        ("ALERT_EMAIL_FROM", is_given(args.alert_email_from.as_deref())),
        ("ALERT_EMAIL_TO", !super::recipients(&args.alert_email_to).is_empty()),
    ];
    Part { subject: "smtp", variables }
}

fn own_model(args: &ProviderArgs) -> Part {
    let variables = vec![
        ("OPENAI_BASE_URL", args.openai_base_url.is_some()),
        ("OPENAI_MODEL", is_given(args.openai_model.as_deref())),
    ];
    Part { subject: "openai", variables }
}

fn is_set(secret: Option<&SecretString>) -> bool {
    secret.is_some_and(|secret| !secret.expose_secret().is_empty())
}

fn is_given(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.trim().is_empty())
}

fn is_half(variables: &[(&str, bool)]) -> bool {
    variables.iter().any(|(_, set)| *set) && !variables.iter().all(|(_, set)| *set)
}

/// The variables that are set, and those that are not.
fn lack(variables: &[(&str, bool)]) -> String {
    let named = |wanted: bool| -> Vec<&str> {
        variables.iter().filter(|(_, set)| *set == wanted).map(|(name, _)| *name).collect()
    };
    let (set, unset) = (named(true), named(false));
    if set.is_empty() {
        return format!("{} is not set", unset.first().copied().unwrap_or_default());
    }
    let are = |names: &[&str]| if names.len() == 1 { "is" } else { "are" };
    format!("{} {} set, {} {} not", listed(&set), are(&set), listed(&unset), are(&unset))
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_and_what_lacks_are_both_named() {
        let none = [("SMTP_URL", false), ("ALERT_EMAIL_FROM", false)];
        assert_eq!(lack(&none), "SMTP_URL is not set");
        let half = [("SMTP_URL", true), ("ALERT_EMAIL_FROM", false), ("ALERT_EMAIL_TO", false)];
        assert_eq!(lack(&half), "SMTP_URL is set, ALERT_EMAIL_FROM and ALERT_EMAIL_TO are not");
        let most = [("A", true), ("B", true), ("C", true), ("D", false)];
        assert_eq!(lack(&most), "A, B and C are set, D is not");
    }

    #[test]
    fn a_role_reaches_its_own_services_only() {
        assert!(reaches(Some(Role::Alert), "smtp") && !reaches(Some(Role::Alert), "newsapi"));
        assert!(reaches(None, "newsapi"));
    }
}
