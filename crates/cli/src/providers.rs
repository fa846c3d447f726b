//! The services that the jobs reach: the provider with its key, the sandbox in its place, or none.

mod parts;

use std::time::Duration;

use anyhow::Context;
use bellwether_api::{Mode, Notice};
use bellwether_jobs::{Keep, Mail, Model, Plans, Settings, Texts};
use bellwether_providers::{Price, alpha_vantage, gemini, newsapi, smtp, twilio, webhook};
use bellwether_sandbox::Running;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

pub(crate) use self::parts::{check, reaches};
use crate::args::{Provider, ProviderArgs, WatchArgs};

const TIMEOUT: Duration = Duration::from_secs(20);
/// Time limit of a call to a model.
const MODEL_TIMEOUT: Duration = Duration::from_mins(1);
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
    has(args.alpha_vantage_api_key.as_ref())
        && has(args.newsapi_api_key.as_ref())
        && (has(args.gemini_api_key.as_ref()) || openai(args).is_some())
        && texts(args).is_some()
        && mail(args).is_some()
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
    let mut note = |one: Provider, simulated: bool, lack: String, effect: &str| {
        if elsewhere(one) {
            return;
        }
        let subject = subject(one);
        let (mode, reason) = if simulated {
            (Mode::Simulated, format!("{lack}: the sandbox answers"))
        } else {
            (Mode::Off, format!("{lack}: {effect}"))
        };
        notices.push(Notice { subject: subject.to_owned(), mode, reason });
    };
    let simulated = |path: &str| -> anyhow::Result<Option<bellwether_providers::Settings>> {
        let Some(sandbox) = sandbox else { return Ok(None) };
        let base_url = Url::parse(&format!("{}/{path}", sandbox.url()))?;
        let key = SecretString::from(SANDBOX_KEY);
        Ok(Some(bellwether_providers::Settings { base_url, key, timeout: TIMEOUT }))
    };

    let market = if let Some(real) = keyed(
        args.alpha_vantage_api_key.as_ref(),
        args.alpha_vantage_base_url.as_ref(),
        alpha_vantage::BASE_URL,
    )? {
        Some(real)
    } else {
        let base_url = ("ALPHA_VANTAGE_BASE_URL", args.alpha_vantage_base_url.is_some());
        let lack = parts::lack_of_key("ALPHA_VANTAGE_API_KEY", base_url);
        note(Provider::AlphaVantage, sandbox.is_some(), lack, "no prices are scraped");
        simulated("alphavantage")?
    };
    let news = if let Some(real) =
        keyed(args.newsapi_api_key.as_ref(), args.newsapi_base_url.as_ref(), newsapi::BASE_URL)?
    {
        Some(real)
    } else {
        let base_url = ("NEWSAPI_BASE_URL", args.newsapi_base_url.is_some());
        let lack = parts::lack_of_key("NEWSAPI_API_KEY", base_url);
        note(Provider::Newsapi, sandbox.is_some(), lack, "no articles are scraped");
        simulated("newsapi")?
    };
    let keyed_gemini =
        keyed(args.gemini_api_key.as_ref(), args.gemini_base_url.as_ref(), gemini::BASE_URL)?;
    let own_server = openai(args);
    let gemini = if keyed_gemini.is_some() || own_server.is_some() {
        keyed_gemini
    } else {
        let base_url = ("GEMINI_BASE_URL", args.gemini_base_url.is_some());
        let lack = parts::lack_of_key("GEMINI_API_KEY", base_url);
        note(Provider::Gemini, sandbox.is_some(), lack, "the lexicon reads the articles");
        if elsewhere(Provider::Gemini) { Some(unkeyed(args)?) } else { simulated("gemini")? }
    };
    let models = gemini.map(|access| geminis(args, &access)).unwrap_or_default();
    let models: Vec<Model> = models.into_iter().chain(own_server).map(patient).collect();
    let sms = if let Some(sms) = texts(args) {
        Some(sms)
    } else {
        note(
            Provider::Twilio,
            sandbox.is_some(),
            parts::lack_of_texts(args),
            "no text messages are sent",
        );
        sandbox.map(simulated_texts).transpose()?
    };
    let email = if let Some(email) = mail(args) {
        Some(email)
    } else {
        note(Provider::Smtp, sandbox.is_some(), parts::lack_of_mail(args), "no mail is sent");
        sandbox.and_then(simulated_mail)
    };
    for (subject, variable, key) in [
        ("alpha_vantage", "ALPHA_VANTAGE_API_KEY", &args.alpha_vantage_api_key),
        ("newsapi", "NEWSAPI_API_KEY", &args.newsapi_api_key),
        ("gemini", "GEMINI_API_KEY", &args.gemini_api_key),
        ("twilio", "TWILIO_AUTH_TOKEN", &args.twilio_auth_token),
    ] {
        if key.as_ref().is_some_and(|key| key.expose_secret() == SANDBOX_KEY) {
            let reason = format!("{variable} is the sandbox's own: the sandbox answers");
            notices.push(Notice { subject: subject.to_owned(), mode: Mode::Simulated, reason });
        }
    }
    let webhook = args
        .alert_webhook_url
        .as_ref()
        .filter(|url| !url.expose_secret().is_empty())
        .map(|url| webhook::Settings { url: url.clone(), timeout: TIMEOUT });

    let sources = market.iter().chain(&news).chain(models.iter().map(|model| &model.access));
    let simulated = sources.into_iter().any(|access| access.key.expose_secret() == SANDBOX_KEY);

    let settings = Settings {
        watchlist: watch.symbols.clone(),
        market,
        news,
        models,
        plans: Plans {
            alpha_vantage: args.alpha_vantage_limits.clone(),
            newsapi: args.newsapi_limits.clone(),
            gemini: args.gemini_limits.clone(),
            gemini_account: args.gemini_account_limits.clone(),
            openai: args.openai_limits.clone(),
        },
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

/// The name in notices.
fn subject(provider: Provider) -> &'static str {
    match provider {
        Provider::AlphaVantage => "alpha_vantage",
        Provider::Newsapi => "newsapi",
        Provider::Gemini => "gemini",
        Provider::Twilio => "twilio",
        Provider::Smtp => "smtp",
    }
}

/// Gemini without a key, for a process that names the model in jobs and never calls it.
fn unkeyed(args: &ProviderArgs) -> anyhow::Result<bellwether_providers::Settings> {
    let base_url = match &args.gemini_base_url {
        Some(url) => url.clone(),
        None => Url::parse(gemini::BASE_URL).context("a provider's own address")?,
    };
    Ok(bellwether_providers::Settings { base_url, key: SecretString::default(), timeout: TIMEOUT })
}

fn has(secret: Option<&SecretString>) -> bool {
    secret.is_some_and(|s| !s.expose_secret().is_empty())
}

fn keyed(
    key: Option<&SecretString>,
    base_url: Option<&Url>,
    default: &str,
) -> anyhow::Result<Option<bellwether_providers::Settings>> {
    let Some(key) = key.filter(|key| has(Some(*key))) else { return Ok(None) };
    let base_url = match base_url {
        Some(url) => url.clone(),
        None => Url::parse(default).context("a provider's own address")?,
    };
    Ok(Some(bellwether_providers::Settings { base_url, key: key.clone(), timeout: TIMEOUT }))
}

fn patient(mut model: Model) -> Model {
    model.access.timeout = MODEL_TIMEOUT;
    model
}

/// The first Gemini model, as workers would ask it.
pub(crate) fn gemini_model(args: &ProviderArgs) -> anyhow::Result<Model> {
    let base_url = args.gemini_base_url.as_ref();
    let access = keyed(args.gemini_api_key.as_ref(), base_url, gemini::BASE_URL)?
        .context("GEMINI_API_KEY is not set")?;
    let model = geminis(args, &access).into_iter().next().context("GEMINI_MODEL is empty")?;
    Ok(patient(model))
}

/// The model of the server that speaks OpenAI's chat completions, as workers would ask it.
pub(crate) fn openai_model(args: &ProviderArgs) -> anyhow::Result<Model> {
    openai(args).map(patient).context("OPENAI_BASE_URL and OPENAI_MODEL are not set")
}

/// The Gemini models in the order in which they are asked.
fn geminis(args: &ProviderArgs, access: &bellwether_providers::Settings) -> Vec<Model> {
    let price = Price { input: args.gemini_price_input, output: args.gemini_price_output };
    let second = args.gemini_fallback_model.as_ref().filter(|model| !model.trim().is_empty());
    let names = std::iter::once(&args.gemini_model).chain(second);
    names.map(|name| Model::gemini(access.clone(), name).priced(price)).collect()
}

/// A self-hosted server often needs no key, so the address and the model are enough.
fn openai(args: &ProviderArgs) -> Option<Model> {
    let model = args.openai_model.clone().filter(|m| !m.is_empty())?;
    let base_url = args.openai_base_url.clone()?;
    let key = args.openai_api_key.clone().unwrap_or_else(|| SecretString::from("none"));
    let access = bellwether_providers::Settings { base_url, key, timeout: TIMEOUT };
    let price = Price { input: args.openai_price_input, output: args.openai_price_output };
    Some(Model::openai(access, &model).priced(price))
}

fn texts(args: &ProviderArgs) -> Option<Texts> {
    let account_sid = args.twilio_account_sid.clone().filter(|s| !s.is_empty())?;
    let access = twilio::Settings {
        base_url: args.twilio_base_url.clone().or_else(|| Url::parse(twilio::BASE_URL).ok())?,
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
        let scraper = [Provider::AlphaVantage, Provider::Newsapi];
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
        let found = resolved(&["--providers=gemini"], &[Provider::Gemini]);
        assert!(found.settings.models.is_empty());
        assert!(subjects(&found).contains(&"gemini"));
    }
}
