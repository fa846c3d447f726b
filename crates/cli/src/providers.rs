//! The services that the jobs reach: the provider with its key, the sandbox in its place, or none.

mod parts;

use std::collections::BTreeMap;

use anyhow::Context;
use bellwether_api::{Mode, Notice};
use bellwether_jobs::{Keep, Mail, Model, Plans, Settings, Texts};
use bellwether_providers::{
    self as providers,
    catalog::{self, Serves, TIMEOUT},
    rss::{self, Feed},
    smtp, twilio, webhook,
};
use bellwether_sandbox::Running;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

pub(crate) use self::parts::{called_by, check, reaches};
use crate::args::{Given, Provider, ProviderArgs, WatchArgs};

/// Recipients of simulated messages.
const SIMULATED_PHONE: &str = "+15005550100";
const SIMULATED_MAIL: &str = "you@example.com";
/// Value in a key's place if the sandbox answers, also one that runs elsewhere.
const SANDBOX_KEY: &str = "sandbox";

/// The jobs' settings, and notices about them.
pub(crate) struct Providers {
    pub(crate) settings: Settings,
    pub(crate) notices: Vec<Notice>,
}

/// Returns true if every provider has its key, so that no sandbox is needed.
pub(crate) fn all_real(args: &ProviderArgs) -> bool {
    let is_real = |provider: &Provider| {
        args.given(provider).is_some_and(|given| access(provider, &given).is_some())
    };
    sources().all(|source| is_real(&source))
        && models().any(|provider| is_real(&provider))
        && texts(args).is_some()
        && mail(args).is_some()
}

fn sources() -> impl Iterator<Item = Provider> {
    let is_source = |entry: &Provider| matches!(entry.serves, Serves::Market(_) | Serves::News(_));
    catalog::ALL.into_iter().filter(is_source)
}

fn models() -> impl Iterator<Item = Provider> {
    catalog::ALL.into_iter().filter(|entry| matches!(entry.serves, Serves::Models(_)))
}

/// Replaces each provider without a key by the sandbox, if there is one; otherwise that provider is
/// off.
///
/// `calls` are the providers that this process calls itself. Of the others, those that the
/// arguments name have their key in another process: no notice is added about them, and their model
/// is known by its name.
pub(crate) fn resolve(
    args: &ProviderArgs,
    watch: &WatchArgs,
    sandbox: Option<&Running>,
    calls: &[Provider],
) -> anyhow::Result<Providers> {
    let elsewhere = |one| !calls.contains(&one) && args.providers.contains(&one);
    let mut notices = Vec::new();
    let mut note = |one: Provider, lack: String| {
        if elsewhere(one) {
            return;
        }
        let (mode, reason) = if sandbox.is_some() {
            (Mode::Simulated, format!("{lack}: the sandbox answers"))
        } else {
            (Mode::Off, format!("{lack}: {}", one.off))
        };
        notices.push(Notice { subject: one.name.to_owned(), mode, reason });
    };
    let simulated = |one: Provider| -> anyhow::Result<Option<providers::Settings>> {
        let Some(sandbox) = sandbox else { return Ok(None) };
        let base_url = Url::parse(&format!("{}/{}", sandbox.url(), one.imitation))?;
        let key = SecretString::from(SANDBOX_KEY);
        Ok(Some(providers::Settings { base_url, key, timeout: one.timeout }))
    };

    let mut on: BTreeMap<&'static str, providers::Settings> = BTreeMap::new();
    for source in sources() {
        let given = args.given(source).context("a source without options")?;
        let mut found = access(source, &given);
        if found.is_none() {
            note(source, parts::lack_of_key(source, given.base_url.is_some()));
            found = simulated(source)?;
        }
        on.extend(found.map(|access| (source.name, access)));
    }
    let feeds = feeds(args, sandbox)?;
    match (sandbox, feeds.as_slice()) {
        (_, []) => note(&rss::ENTRY, "RSS_FEEDS is off".to_owned()),
        (Some(_), _) => note(&rss::ENTRY, "feeds are simulated too".to_owned()),
        (None, _) => {}
    }
    let mut chosen = Vec::new();
    for provider in models() {
        let given = args.given(provider).context("models without options")?;
        if let Some(access) = access(provider, &given) {
            chosen.extend(models_of(provider, &given, &access));
        }
    }
    if chosen.is_empty()
        && let Some(first) = models().next()
    {
        let given = args.given(first).context("models without options")?;
        note(first, parts::lack_of_key(first, given.base_url.is_some()));
        let access = if elsewhere(first) { unkeyed(first, &given) } else { simulated(first)? };
        chosen.extend(access.into_iter().flat_map(|access| models_of(first, &given, &access)));
    }
    let sms = if let Some(sms) = texts(args) {
        Some(sms)
    } else {
        note(&twilio::ENTRY, parts::lack_of_texts(args));
        sandbox.map(simulated_texts).transpose()?
    };
    let email = if let Some(email) = mail(args) {
        Some(email)
    } else {
        note(&smtp::ENTRY, parts::lack_of_mail(args));
        sandbox.and_then(simulated_mail)
    };
    for provider in catalog::ALL {
        let (variable, key) = match args.given(provider) {
            Some(given) => (provider.variable("API_KEY"), given.key),
            None if *provider == twilio::ENTRY => {
                (provider.variable("AUTH_TOKEN"), args.twilio_auth_token.as_ref())
            }
            None => continue,
        };
        if key.is_some_and(|key| key.expose_secret() == SANDBOX_KEY) {
            let reason = format!("{variable} is the sandbox's own: the sandbox answers");
            let subject = provider.name.to_owned();
            notices.push(Notice { subject, mode: Mode::Simulated, reason });
        }
    }
    let webhook = args
        .alert_webhook_url
        .as_ref()
        .filter(|url| !url.expose_secret().is_empty())
        .map(|url| webhook::Settings { url: url.clone(), timeout: TIMEOUT });

    let mut calls = on.values().chain(chosen.iter().map(|model| &model.access));
    let simulated = calls.any(|access| access.key.expose_secret() == SANDBOX_KEY);

    let settings = Settings {
        watchlist: watch.symbols.clone(),
        sources: on,
        feeds,
        models: chosen,
        plans: plans(args),
        full_history: args.alpha_vantage_full_history,
        keep: Keep {
            prices_days: watch.keep_prices,
            signals_days: watch.keep_signals,
            articles_days: watch.keep_articles,
            alerts_days: watch.keep_alerts,
            messages_days: watch.keep_messages,
            rounds_days: watch.keep_rounds,
        },
        sms,
        email,
        webhook,
        simulated,
        ..Settings::default()
    };
    Ok(Providers { settings, notices })
}

/// The feeds; if there is a sandbox, its imitations of those by default.
fn feeds(args: &ProviderArgs, sandbox: Option<&Running>) -> anyhow::Result<Vec<Feed>> {
    let Some(sandbox) = sandbox else { return Ok(args.rss_feeds.0.clone()) };
    let simulated = |feed: &Feed| {
        let url = Url::parse(&format!("{}/{}/{}", sandbox.url(), rss::ENTRY.imitation, feed.name))?;
        Ok(Feed { name: feed.name.clone(), url })
    };
    rss::default_feeds().iter().filter(|_| !args.rss_feeds.0.is_empty()).map(simulated).collect()
}

fn plans(args: &ProviderArgs) -> Plans {
    let mut plans = Plans::default();
    for provider in catalog::ALL {
        if let Some(given) = args.given(provider) {
            plans.set(provider, given.limits.clone());
            if let Some(limits) = given.account_limits {
                plans.set_account(provider, limits.clone());
            }
        }
    }
    plans
}

fn has(secret: Option<&SecretString>) -> bool {
    secret.is_some_and(|s| !s.expose_secret().is_empty())
}

/// Access to a provider with its key. A server that the operator names often needs none, so its
/// address and a model are enough.
fn access(provider: Provider, given: &Given<'_>) -> Option<providers::Settings> {
    let key = match provider.base_url {
        Some(_) => given.key?.clone(),
        None if given.models.is_empty() => return None,
        None => given.key.cloned().unwrap_or_else(|| SecretString::from("none")),
    };
    Some(providers::Settings { key, ..unkeyed(provider, given)? })
}

/// A provider without a key, for a process that names its model in jobs and never calls it.
fn unkeyed(provider: Provider, given: &Given<'_>) -> Option<providers::Settings> {
    let own = || Url::parse(provider.base_url?).ok();
    let base_url = given.base_url.cloned().or_else(own)?;
    Some(providers::Settings { base_url, key: SecretString::default(), timeout: provider.timeout })
}

/// The models of a provider, in order of preference.
fn models_of(provider: Provider, given: &Given<'_>, access: &providers::Settings) -> Vec<Model> {
    let model = |name: &&str| Model::new(provider, access.clone(), name).priced(given.price);
    given.models.iter().map(model).collect()
}

/// The first model of a provider, as workers would ask it.
pub(crate) fn model(args: &ProviderArgs, provider: Provider) -> anyhow::Result<Model> {
    let given = args.given(provider).context("a provider without models")?;
    let Some(access) = access(provider, &given) else {
        match provider.base_url {
            Some(_) => anyhow::bail!("{} is not set", provider.variable("API_KEY")),
            None => anyhow::bail!(
                "{} and {} are not set",
                provider.variable("BASE_URL"),
                provider.variable("MODEL")
            ),
        }
    };
    let first = models_of(provider, &given, &access).into_iter().next();
    first.with_context(|| format!("{} is empty", provider.variable("MODEL")))
}

fn texts(args: &ProviderArgs) -> Option<Texts> {
    let account_sid = args.twilio_account_sid.clone().filter(|s| !s.is_empty())?;
    let access = twilio::Settings {
        base_url: args
            .twilio_base_url
            .clone()
            .or_else(|| Url::parse(twilio::ENTRY.base_url?).ok())?,
        account_sid,
        auth_token: args.twilio_auth_token.clone().filter(|s| has(Some(s)))?,
        from: args.twilio_from.clone().filter(|s| !s.is_empty())?,
        timeout: TIMEOUT,
    };
    let to = recipients(&args.alert_sms_to);
    (!to.is_empty()).then_some(Texts { access, to })
}

fn mail(args: &ProviderArgs) -> Option<Mail> {
    let access = smtp::Settings {
        url: args.smtp_url.clone().filter(|s| has(Some(s)))?,
        from: args.alert_email_from.clone().filter(|s| !s.is_empty())?,
        timeout: TIMEOUT,
    };
    let to = recipients(&args.alert_email_to);
    (!to.is_empty()).then_some(Mail { access, to })
}

fn recipients(list: &[String]) -> Vec<String> {
    list.iter().map(|r| r.trim().to_owned()).filter(|r| !r.is_empty()).collect()
}

fn simulated_texts(sandbox: &Running) -> anyhow::Result<Texts> {
    let access = twilio::Settings {
        base_url: Url::parse(&format!("{}/twilio", sandbox.url()))?,
        account_sid: format!("AC{:032}", 0),
        auth_token: SecretString::from(SANDBOX_KEY),
        from: "+15005550006".to_owned(),
        timeout: TIMEOUT,
    };
    Ok(Texts { access, to: vec![SIMULATED_PHONE.to_owned()] })
}

fn simulated_mail(sandbox: &Running) -> Option<Mail> {
    let access = smtp::Settings {
        url: SecretString::from(sandbox.smtp_url()?),
        from: "bellwether@example.com".to_owned(),
        timeout: TIMEOUT,
    };
    Some(Mail { access, to: vec![SIMULATED_MAIL.to_owned()] })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Role;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        providers: ProviderArgs,
        #[command(flatten)]
        watch: WatchArgs,
    }

    fn resolved(words: &[&str], calls: &[Provider]) -> Providers {
        let line = Line::try_parse_from([&["bellwether"], words].concat()).unwrap();
        resolve(&line.providers, &line.watch, None, calls).unwrap()
    }

    fn subjects(found: &Providers) -> Vec<&str> {
        found.notices.iter().map(|notice| notice.subject.as_str()).collect()
    }

    #[test]
    fn a_process_names_the_model_whose_key_another_process_holds() {
        let scraper = called_by(Some(Role::Scraper));
        let words = [
            "--providers=alpha_vantage,gemini,twilio",
            "--alpha-vantage-api-key=k",
            "--newsapi-api-key=k",
        ];
        let found = resolved(&words, &scraper);
        let models: Vec<_> =
            found.settings.models.iter().map(|model| model.name.as_str()).collect();
        assert_eq!(models, ["gemini-3.5-flash-lite"]);
        assert_eq!(subjects(&found), ["smtp"]);
        assert!(found.settings.sms.is_none(), "it sends nothing itself");
    }

    #[test]
    fn a_provider_that_a_process_calls_itself_is_off_without_its_key_though_it_is_named() {
        let found = resolved(&["--providers=gemini"], &called_by(Some(Role::Analyzer)));
        assert!(found.settings.models.is_empty());
        assert!(subjects(&found).contains(&"gemini"));
    }
}
