//! Options of the providers: keys, addresses, and the limits of each plan.

use bellwether_jobs::Plan;
use clap::{Args, ValueEnum};
use secrecy::SecretString;
use url::Url;

/// A provider or channel, by its name in notices and limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Provider {
    AlphaVantage,
    Newsapi,
    Gemini,
    Twilio,
    Smtp,
}

impl Provider {
    pub(crate) const ALL: &[Self] =
        &[Self::AlphaVantage, Self::Newsapi, Self::Gemini, Self::Twilio, Self::Smtp];
}

#[derive(Args, Clone)]
#[command(next_help_heading = "Providers and channels")]
pub(crate) struct ProviderArgs {
    /// Providers whose keys other processes of the deployment hold, separated by commas
    #[arg(long, env = "BELLWETHER_PROVIDERS", value_enum, value_delimiter = ',')]
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
    /// Key for the model that reads articles; without a model the lexicon reads
    #[arg(long, env, hide_env_values = true)]
    pub(crate) gemini_api_key: Option<SecretString>,
    /// Base address of Gemini
    #[arg(long, env, hide_env_values = true, value_parser = parse_http)]
    pub(crate) gemini_base_url: Option<Url>,
    /// Gemini model that reads articles
    #[arg(long, env, default_value = "gemini-3.5-flash-lite")]
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
    #[arg(long, env, default_value = Plan::ALPHA_VANTAGE)]
    pub(crate) alpha_vantage_limits: Plan,
    /// Limits of the NewsAPI plan
    #[arg(long, env, default_value = Plan::NEWSAPI)]
    pub(crate) newsapi_limits: Plan,
    /// Limits of the Gemini plan for each model, for example `15/1m, 250000 tokens/1m, 500/day
    /// America/Los_Angeles`
    #[arg(long, env, default_value = Plan::GEMINI)]
    pub(crate) gemini_limits: Plan,
    /// Limits of all Gemini models together, for example `5 usd/day America/Los_Angeles`
    #[arg(long, env)]
    pub(crate) gemini_account_limits: Option<Plan>,
    /// Limits of the OpenAI-compatible server
    #[arg(long, env, default_value = Plan::OPENAI)]
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
