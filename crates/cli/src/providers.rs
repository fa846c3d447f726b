//! Whom the jobs reach: the provider with its key, the sandbox in its place, or nobody.

use std::time::Duration;

use anyhow::Context;
use bellwether_api::{Mode, Notice};
use bellwether_jobs::{Keep, Mail, Model, Plans, Settings, Texts};
use bellwether_providers::{Price, alpha_vantage, gemini, newsapi, smtp, twilio, webhook};
use bellwether_sandbox::Running;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::args::{ProviderArgs, WatchArgs};

const TIMEOUT: Duration = Duration::from_secs(20);
/// A model may think for a while.
const MODEL_TIMEOUT: Duration = Duration::from_mins(1);
/// Where simulated messages go.
const SIMULATED_PHONE: &str = "+15005550100";
const SIMULATED_MAIL: &str = "you@example.com";
/// What stands in a key's place where the sandbox answers, also one that runs elsewhere.
const SANDBOX_KEY: &str = "sandbox";

/// The jobs' settings, and what people should know about them.
pub(crate) struct Providers {
    pub(crate) settings: Settings,
    pub(crate) notices: Vec<Notice>,
}

/// Whether everything has its key, so that no sandbox is needed.
pub(crate) fn all_real(args: &ProviderArgs) -> bool {
    has(args.alpha_vantage_api_key.as_ref())
        && has(args.newsapi_api_key.as_ref())
        && (has(args.gemini_api_key.as_ref()) || openai(args).is_some())
        && texts(args).is_some()
        && mail(args).is_some()
}

/// With a sandbox, it stands in for what has no key; without one, that is off.
pub(crate) fn resolve(
    args: &ProviderArgs,
    watch: &WatchArgs,
    sandbox: Option<&Running>,
) -> anyhow::Result<Providers> {
    let mut notices = Vec::new();
    let mut note = |subject: &str, simulated: bool, missing: &str, effect: &str| {
        let (mode, reason) = if simulated {
            (Mode::Simulated, format!("{missing} is not set: the sandbox answers"))
        } else {
            (Mode::Off, format!("{missing} is not set: {effect}"))
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
        note("alpha_vantage", sandbox.is_some(), "ALPHA_VANTAGE_API_KEY", "no prices are scraped");
        simulated("alphavantage")?
    };
    let news = if let Some(real) =
        keyed(args.newsapi_api_key.as_ref(), args.newsapi_base_url.as_ref(), newsapi::BASE_URL)?
    {
        Some(real)
    } else {
        note("newsapi", sandbox.is_some(), "NEWSAPI_API_KEY", "no articles are scraped");
        simulated("newsapi")?
    };
    let keyed_gemini =
        keyed(args.gemini_api_key.as_ref(), args.gemini_base_url.as_ref(), gemini::BASE_URL)?;
    let own_server = openai(args);
    let gemini = if keyed_gemini.is_some() || own_server.is_some() {
        keyed_gemini
    } else {
        note("gemini", sandbox.is_some(), "GEMINI_API_KEY", "the lexicon reads the articles");
        simulated("gemini")?
    };
    let models = gemini.map(|access| geminis(args, &access)).unwrap_or_default();
    let models = models.into_iter().chain(own_server).map(patient).collect();
    let sms = if let Some(sms) = texts(args) {
        Some(sms)
    } else {
        note("twilio", sandbox.is_some(), "TWILIO_ACCOUNT_SID", "no text messages are sent");
        sandbox.map(simulated_texts).transpose()?
    };
    let email = if let Some(email) = mail(args) {
        Some(email)
    } else {
        note("smtp", sandbox.is_some(), "SMTP_URL", "no mail is sent");
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
        },
        sms,
        email,
        webhook,
        ..Settings::default()
    };
    Ok(Providers { settings, notices })
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

/// A server of one's own often wants no key, so the address and the model are enough.
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
