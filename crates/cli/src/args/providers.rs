//! Whom the jobs reach, with which key, and what each plan allows.

use bellwether_jobs::Plan;
use clap::{Args, builder::BoolishValueParser};
use secrecy::SecretString;
use url::Url;

#[derive(Args, Clone)]
pub(crate) struct ProviderArgs {
    /// For quotes and daily bars
    #[arg(long, env, hide_env_values = true)]
    pub(crate) alpha_vantage_api_key: Option<SecretString>,
    /// Another address of Alpha Vantage
    #[arg(long, env, hide_env_values = true)]
    pub(crate) alpha_vantage_base_url: Option<Url>,
    /// For articles
    #[arg(long, env, hide_env_values = true)]
    pub(crate) newsapi_api_key: Option<SecretString>,
    /// Another address of NewsAPI
    #[arg(long, env, hide_env_values = true)]
    pub(crate) newsapi_base_url: Option<Url>,
    /// For the model that reads articles; without a model the lexicon reads
    #[arg(long, env, hide_env_values = true)]
    pub(crate) gemini_api_key: Option<SecretString>,
    /// Another address of Gemini
    #[arg(long, env, hide_env_values = true)]
    pub(crate) gemini_base_url: Option<Url>,
    /// Which Gemini model reads articles
    #[arg(long, env, default_value = "gemini-3.5-flash-lite")]
    pub(crate) gemini_model: String,
    /// A server that speaks OpenAI's chat completions
    #[arg(long, env, hide_env_values = true)]
    pub(crate) openai_base_url: Option<Url>,
    /// Its key, where it asks for one
    #[arg(long, env, hide_env_values = true)]
    pub(crate) openai_api_key: Option<SecretString>,
    /// Which of its models reads articles
    #[arg(long, env)]
    pub(crate) openai_model: Option<String>,
    /// US dollars for a million tokens that Gemini reads; 0 on a free plan
    #[arg(long, env, default_value_t = 0.0, value_parser = parse_price)]
    pub(crate) gemini_price_input: f64,
    /// US dollars for a million tokens that Gemini writes; 0 on a free plan
    #[arg(long, env, default_value_t = 0.0, value_parser = parse_price)]
    pub(crate) gemini_price_output: f64,
    /// US dollars for a million tokens that the OpenAI-compatible server reads
    #[arg(long, env, default_value_t = 0.0, value_parser = parse_price)]
    pub(crate) openai_price_input: f64,
    /// US dollars for a million tokens that the OpenAI-compatible server writes
    #[arg(long, env, default_value_t = 0.0, value_parser = parse_price)]
    pub(crate) openai_price_output: f64,
    /// A Gemini model that reads while the first one is away; its quota is its own
    #[arg(long, env)]
    pub(crate) gemini_fallback_model: Option<String>,
    /// What the Alpha Vantage plan allows
    #[arg(long, env, default_value = Plan::ALPHA_VANTAGE)]
    pub(crate) alpha_vantage_limits: Plan,
    /// What the NewsAPI plan allows
    #[arg(long, env, default_value = Plan::NEWSAPI)]
    pub(crate) newsapi_limits: Plan,
    /// What the Gemini plan allows each model, for example
    /// `15/1m, 250000 tokens/1m, 500/day America/Los_Angeles`
    #[arg(long, env, default_value = Plan::GEMINI)]
    pub(crate) gemini_limits: Plan,
    /// What all Gemini models together may use, for example `5 usd/day America/Los_Angeles`
    #[arg(long, env)]
    pub(crate) gemini_account_limits: Option<Plan>,
    /// What the OpenAI-compatible server allows
    #[arg(long, env, default_value = Plan::OPENAI)]
    pub(crate) openai_limits: Plan,
    /// Ask Alpha Vantage for a new share's whole history, which the free plan does not include
    #[arg(long, env, value_parser = BoolishValueParser::new())]
    pub(crate) alpha_vantage_full_history: bool,
    /// The account that sends text messages
    #[arg(long, env)]
    pub(crate) twilio_account_sid: Option<String>,
    /// That account's secret
    #[arg(long, env, hide_env_values = true)]
    pub(crate) twilio_auth_token: Option<SecretString>,
    /// The number that text messages come from
    #[arg(long, env)]
    pub(crate) twilio_from: Option<String>,
    /// Another address of Twilio
    #[arg(long, env, hide_env_values = true)]
    pub(crate) twilio_base_url: Option<Url>,
    /// Who gets text messages, separated by commas
    #[arg(long, env, value_delimiter = ',')]
    pub(crate) alert_sms_to: Vec<String>,
    /// The server that sends mail, for example smtp://user:secret@mail.example.com:587
    #[arg(long, env, hide_env_values = true)]
    pub(crate) smtp_url: Option<SecretString>,
    /// The address that mail comes from
    #[arg(long, env)]
    pub(crate) alert_email_from: Option<String>,
    /// Who gets mail, separated by commas
    #[arg(long, env, value_delimiter = ',')]
    pub(crate) alert_email_to: Vec<String>,
    /// An address that gets each alert as JSON by POST
    #[arg(long, env, hide_env_values = true)]
    pub(crate) alert_webhook_url: Option<SecretString>,
}

fn parse_price(text: &str) -> Result<f64, String> {
    let price: f64 = text.trim().parse().map_err(|_| "not a number".to_owned())?;
    if price.is_finite() && price >= 0.0 { Ok(price) } else { Err("less than nothing".to_owned()) }
}
