//! Options of the providers: keys, addresses, and the limits of each plan.

use std::{collections::BTreeSet, str::FromStr};

use bellwether_jobs::Plan;
use bellwether_providers::{
    Price, alpha_vantage,
    catalog::{self, Entry},
    gemini, newsapi, openai,
    rss::{self, Feed},
};
use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// A provider or channel; its name in notices and limits is its value in options.
pub(crate) type Provider = &'static Entry;

/// Values that were given for a source or for models.
pub(crate) struct Given<'a> {
    pub(crate) key: Option<&'a SecretString>,
    pub(crate) base_url: Option<&'a Url>,
    pub(crate) limits: &'a Plan,
    /// Limits of all models together.
    pub(crate) account_limits: Option<&'a Plan>,
    /// Names of models, in order of preference.
    pub(crate) models: Vec<&'a str>,
    pub(crate) price: Price,
}

#[derive(Args, Clone)]
#[command(next_help_heading = "Providers and channels")]
pub(crate) struct ProviderArgs {
    /// Providers whose keys other processes of the deployment hold, separated by commas
    #[arg(long, env = "BELLWETHER_PROVIDERS", value_parser = known(), value_delimiter = ',')]
    pub(crate) providers: Vec<Provider>,
    /// Key for quotes and daily bars
    #[arg(long, env, hide_env_values = true)]
    pub(crate) alpha_vantage_api_key: Option<SecretString>,
    /// Base address of Alpha Vantage
    #[arg(long, env, hide_env_values = true, value_parser = parse_http)]
    pub(crate) alpha_vantage_base_url: Option<Url>,
    /// Key for articles
    #[arg(long, env, hide_env_values = true)]
    pub(crate) newsapi_api_key: Option<SecretString>,
    /// Base address of NewsAPI
    #[arg(long, env, hide_env_values = true, value_parser = parse_http)]
    pub(crate) newsapi_base_url: Option<Url>,
    /// Feeds (RSS or Atom) that are polled: NAME=ADDRESS, separated by commas; `off` for none
    #[arg(long, env, default_value = rss::DEFAULT_FEEDS, hide_default_value = true)]
    pub(crate) rss_feeds: Feeds,
    /// Limits of each feed
    #[arg(long, env, default_value = rss::ENTRY.plan)]
    pub(crate) rss_limits: Plan,
    /// Key for the model that reads articles; without a model the lexicon reads
    #[arg(long, env, hide_env_values = true)]
    pub(crate) gemini_api_key: Option<SecretString>,
    /// Base address of Gemini
    #[arg(long, env, hide_env_values = true, value_parser = parse_http)]
    pub(crate) gemini_base_url: Option<Url>,
    /// Gemini model that reads articles
    #[arg(long, env, default_value = gemini::DEFAULT_MODEL)]
    pub(crate) gemini_model: String,
    /// Server with OpenAI's chat completions API; with a key: https, this machine or a private
    /// network
    #[arg(long, env, hide_env_values = true, value_parser = parse_http)]
    pub(crate) openai_base_url: Option<Url>,
    /// Key of that server, if it requires one
    #[arg(long, env, hide_env_values = true)]
    pub(crate) openai_api_key: Option<SecretString>,
    /// Model of that server that reads articles
    #[arg(long, env)]
    pub(crate) openai_model: Option<String>,
    /// Price of a million input tokens of Gemini, in US dollars; 0 on a free plan
    #[arg(long, env, default_value_t = 0.0, value_parser = parse_price)]
    pub(crate) gemini_price_input: f64,
    /// Price of a million output tokens of Gemini, in US dollars; 0 on a free plan
    #[arg(long, env, default_value_t = 0.0, value_parser = parse_price)]
    pub(crate) gemini_price_output: f64,
    /// Price of a million input tokens of the OpenAI-compatible server, in US dollars
    #[arg(long, env, default_value_t = 0.0, value_parser = parse_price)]
    pub(crate) openai_price_input: f64,
    /// Price of a million output tokens of the OpenAI-compatible server, in US dollars
    #[arg(long, env, default_value_t = 0.0, value_parser = parse_price)]
    pub(crate) openai_price_output: f64,
    /// Second Gemini model, which reads while the first one is unavailable; it has a quota of its
    /// own
    #[arg(long, env)]
    pub(crate) gemini_fallback_model: Option<String>,
    /// Limits of the Alpha Vantage plan
    #[arg(long, env, default_value = alpha_vantage::ENTRY.plan)]
    pub(crate) alpha_vantage_limits: Plan,
    /// Limits of the NewsAPI plan
    #[arg(long, env, default_value = newsapi::ENTRY.plan)]
    pub(crate) newsapi_limits: Plan,
    /// Limits of the Gemini plan for each model, for example `15/1m, 250000 tokens/1m, 500/day
    /// America/Los_Angeles`
    #[arg(long, env, default_value = gemini::ENTRY.plan)]
    pub(crate) gemini_limits: Plan,
    /// Limits of all Gemini models together, for example `5 usd/day America/Los_Angeles`
    #[arg(long, env)]
    pub(crate) gemini_account_limits: Option<Plan>,
    /// Limits of the OpenAI-compatible server
    #[arg(long, env, default_value = openai::ENTRY.plan)]
    pub(crate) openai_limits: Plan,
    /// Request a new symbol's whole history from Alpha Vantage, which the free plan does not
    /// include
    #[arg(long, env)]
    pub(crate) alpha_vantage_full_history: bool,
    /// Account that sends text messages
    #[arg(long, env)]
    pub(crate) twilio_account_sid: Option<String>,
    /// Secret of that account
    #[arg(long, env, hide_env_values = true)]
    pub(crate) twilio_auth_token: Option<SecretString>,
    /// Number that sends text messages
    #[arg(long, env)]
    pub(crate) twilio_from: Option<String>,
    /// Base address of Twilio
    #[arg(long, env, hide_env_values = true, value_parser = parse_http)]
    pub(crate) twilio_base_url: Option<Url>,
    /// Recipients of text messages, separated by commas
    #[arg(long, env, value_delimiter = ',')]
    pub(crate) alert_sms_to: Vec<String>,
    /// Mail server, for example smtp://user:secret@mail.example.com:587 (STARTTLS is required, as
    /// for every login to another machine) or smtps://…
    #[arg(long, env, hide_env_values = true)]
    pub(crate) smtp_url: Option<SecretString>,
    /// Sender address of mail
    #[arg(long, env, value_parser = parse_mail)]
    pub(crate) alert_email_from: Option<String>,
    /// Recipients of mail, separated by commas
    #[arg(long, env, value_delimiter = ',', value_parser = parse_mail)]
    pub(crate) alert_email_to: Vec<String>,
    /// https address that receives each alert as JSON by POST
    #[arg(long, env, hide_env_values = true)]
    pub(crate) alert_webhook_url: Option<SecretString>,
}

impl ProviderArgs {
    /// The values that were given for a source or for models; `None` for a channel.
    pub(crate) fn given(&self, provider: Provider) -> Option<Given<'_>> {
        let (key, base_url, limits) = match provider.prefix {
            "ALPHA_VANTAGE" => (
                &self.alpha_vantage_api_key,
                &self.alpha_vantage_base_url,
                &self.alpha_vantage_limits,
            ),
            "NEWSAPI" => (&self.newsapi_api_key, &self.newsapi_base_url, &self.newsapi_limits),
            "RSS" => (&None, &None, &self.rss_limits),
            "GEMINI" => (&self.gemini_api_key, &self.gemini_base_url, &self.gemini_limits),
            "OPENAI" => (&self.openai_api_key, &self.openai_base_url, &self.openai_limits),
            _ => return None,
        };
        let (models, input, output) = match provider.prefix {
            "GEMINI" => (
                vec![Some(self.gemini_model.as_str()), named(self.gemini_fallback_model.as_ref())],
                self.gemini_price_input,
                self.gemini_price_output,
            ),
            "OPENAI" => (
                vec![named(self.openai_model.as_ref())],
                self.openai_price_input,
                self.openai_price_output,
            ),
            _ => (Vec::new(), 0.0, 0.0),
        };
        let account_limits = self.gemini_account_limits.as_ref();
        Some(Given {
            key: key.as_ref().filter(|key| !key.expose_secret().is_empty()),
            base_url: base_url.as_ref(),
            limits,
            account_limits: account_limits.filter(|_| provider.prefix == "GEMINI"),
            models: models.into_iter().flatten().collect(),
            price: Price { input, output },
        })
    }
}

/// The feeds that are polled.
#[derive(Clone, Debug)]
pub(crate) struct Feeds(pub(crate) Vec<Feed>);

impl FromStr for Feeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "off" {
            return Ok(Self(Vec::new()));
        }
        let feeds = text.split(',').map(str::parse).collect::<Result<Vec<Feed>, _>>()?;
        let mut names = BTreeSet::new();
        match feeds.iter().find(|feed| !names.insert(&feed.name)) {
            Some(twice) => Err(format!(
                "two feeds are named `{0}`: write {0}-2=ADDRESS for the second one",
                twice.name
            )),
            None => Ok(Self(feeds)),
        }
    }
}

fn named(model: Option<&String>) -> Option<&str> {
    model.map(String::as_str).filter(|model| !model.trim().is_empty())
}

fn known() -> impl TypedValueParser<Value = Provider> {
    PossibleValuesParser::new(catalog::ALL.map(|entry| entry.name))
        .map(|name| Entry::find(&name).expect("only names of the catalog are possible"))
}

fn parse_price(text: &str) -> Result<f64, String> {
    let price: f64 = text.trim().parse().map_err(|_| "not a number".to_owned())?;
    if price.is_finite() && price >= 0.0 { Ok(price) } else { Err("less than nothing".to_owned()) }
}

fn parse_http(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|e| e.to_string())?;
    let is_http = matches!(url.scheme(), "http" | "https");
    if is_http {
        Ok(url)
    } else {
        Err("the address must begin with https:// or http://".to_owned())
    }
}

/// Accepts anything that resembles an address; the mail server checks the rest.
fn parse_mail(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let fits =
        |(user, host): (&str, &str)| !user.is_empty() && !host.trim_end_matches('>').is_empty();
    if text.is_empty() || text.rsplit_once('@').is_some_and(fits) {
        Ok(text.to_owned())
    } else {
        Err("a mail address is written as you@example.com")
    }
}
