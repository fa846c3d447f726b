//! Options of the commands that run until they are stopped.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use bellwether_api::Tokens;
use bellwether_domain::Symbol;
use bellwether_sandbox::Profile;
use clap::{Args, ValueEnum, builder::BoolishValueParser};
use secrecy::SecretString;

use super::ProviderArgs;

#[derive(Args, Clone)]
#[command(next_help_heading = "Database")]
pub(crate) struct DatabaseArgs {
    /// Address of the primary; without it, PostgreSQL is started on the data folder
    #[arg(long, env, hide_env_values = true)]
    pub(crate) database_url: Option<SecretString>,
    /// Address of a replica for the product's read routes
    #[arg(long, env, hide_env_values = true)]
    pub(crate) database_read_url: Option<SecretString>,
    /// Address for LISTEN, migrations and locks, if the primary is behind a transaction pooler
    #[arg(long, env, hide_env_values = true)]
    pub(crate) database_direct_url: Option<SecretString>,
    /// Wakes workers by NOTIFY; without it they poll every second
    #[arg(
        long,
        env,
        default_value_t = true,
        value_parser = BoolishValueParser::new(),
        action = clap::ArgAction::Set
    )]
    pub(crate) database_listen: bool,
    /// Data folder of the embedded PostgreSQL
    #[arg(long, env = "BELLWETHER_DATA_DIR", default_value = ".bellwether")]
    pub(crate) data_dir: PathBuf,
    /// Folder of `postgres` and `initdb`, if they are in none of the usual places
    #[arg(long, env = "BELLWETHER_PG_BIN")]
    pub(crate) pg_bin: Option<PathBuf>,
    /// Folders that are searched for programs
    #[arg(long, env = "PATH", hide = true)]
    pub(crate) path: Option<std::ffi::OsString>,
    /// Most database connections of this process; one of them is reserved for its probes
    #[arg(long, env = "BELLWETHER_DATABASE_CONNECTIONS", default_value_t = 16, value_parser = clap::value_parser!(u32).range(4..=1000))]
    pub(crate) database_connections: u32,
}

#[derive(Args, Clone)]
#[command(next_help_heading = "HTTP")]
pub(crate) struct HttpArgs {
    /// Address to listen on
    #[arg(long, env = "BELLWETHER_HTTP_ADDR", value_parser = parse_address)]
    pub(crate) http_addr: Option<SocketAddr>,
    /// Tokens with their roles: role:token, separated by commas; roles are viewer, operator, admin
    #[arg(
        long,
        env = "BELLWETHER_API_TOKENS",
        hide_env_values = true,
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) api_tokens: Tokens,
}

#[derive(Args, Clone)]
#[command(next_help_heading = "Watchlist and retention")]
pub(crate) struct WatchArgs {
    /// Watchlist, separated by commas
    #[arg(
        long,
        env = "BELLWETHER_SYMBOLS",
        value_delimiter = ',',
        default_value = "AAPL,MSFT,GOOGL,AMZN,TSLA"
    )]
    pub(crate) symbols: Vec<Symbol>,
    /// Days for which quotes and bars are kept
    #[arg(long, env = "BELLWETHER_KEEP_PRICES", default_value_t = 400, value_parser = clap::value_parser!(u16).range(7..))]
    pub(crate) keep_prices: u16,
    /// Days for which signals are kept, with the prices that they are made of
    #[arg(long, env = "BELLWETHER_KEEP_SIGNALS", default_value_t = 400, value_parser = clap::value_parser!(u16).range(7..))]
    pub(crate) keep_signals: u16,
    /// Days for which articles and their readings are kept
    #[arg(long, env = "BELLWETHER_KEEP_ARTICLES", default_value_t = 180, value_parser = clap::value_parser!(u16).range(7..))]
    pub(crate) keep_articles: u16,
    /// Days for which alerts are kept after their end, and notes for the operator
    #[arg(long, env = "BELLWETHER_KEEP_ALERTS", default_value_t = 400, value_parser = clap::value_parser!(u16).range(7..))]
    pub(crate) keep_alerts: u16,
    /// Days for which messages are kept after the end of their alert
    #[arg(long, env = "BELLWETHER_KEEP_MESSAGES", default_value_t = 90, value_parser = clap::value_parser!(u16).range(7..))]
    pub(crate) keep_messages: u16,
    /// Days for which batches and counts of dropped articles are kept
    #[arg(long, env = "BELLWETHER_KEEP_ROUNDS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(7..))]
    pub(crate) keep_rounds: u16,
}

#[derive(Args, Clone)]
#[command(next_help_heading = "Jobs")]
pub(crate) struct WorkArgs {
    /// Attempts at a time in each queue
    #[arg(long, env = "BELLWETHER_CONCURRENCY", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) concurrency: u16,
    /// Time that running jobs may take after SIGTERM: 25s in a worker, 10s in `up`
    #[arg(long, env = "BELLWETHER_GRACE", value_parser = humantime::parse_duration)]
    pub(crate) grace: Option<Duration>,
}

#[derive(Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) work: WorkArgs,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) http: HttpArgs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    #[command(flatten)]
    pub(crate) providers: ProviderArgs,
    #[command(flatten)]
    pub(crate) sandbox: SandboxArgs,
}

#[derive(Args)]
pub(crate) struct ApiArgs {
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) http: HttpArgs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    #[command(flatten)]
    pub(crate) providers: ProviderArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub(crate) enum Role {
    Scraper,
    Analyzer,
    Alert,
}

#[derive(Args)]
pub(crate) struct WorkerArgs {
    /// Queues of the role: scraper works scraper and maintenance
    #[arg(value_enum)]
    pub(crate) role: Role,
    #[command(flatten)]
    pub(crate) work: WorkArgs,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) http: HttpArgs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    #[command(flatten)]
    pub(crate) providers: ProviderArgs,
}

#[derive(Args, Clone)]
#[command(next_help_heading = "Sandbox")]
pub(crate) struct SandboxArgs {
    /// Address of the sandbox
    #[arg(
        long = "sandbox-addr",
        env = "BELLWETHER_SANDBOX_ADDR",
        value_parser = parse_address,
        default_value = "127.0.0.1:4010"
    )]
    pub(crate) addr: SocketAddr,
    /// Address of the sandbox's mail server
    #[arg(
        long = "sandbox-smtp-addr",
        env = "BELLWETHER_SANDBOX_SMTP_ADDR",
        value_parser = parse_address,
        default_value = "127.0.0.1:4025"
    )]
    pub(crate) smtp_addr: SocketAddr,
    /// Seed of prices and stories; equal seeds give equal ones
    #[arg(long = "sandbox-seed", env = "BELLWETHER_SANDBOX_SEED", default_value_t = 42)]
    pub(crate) seed: u64,
    /// Profile of limits and faults: calm, flaky, quota-tight, chaos, thanksgiving-2026, or outage-
    /// with alphavantage, newsapi, gemini, openai, twilio, webhook or rss
    #[arg(long = "sandbox-profile", env = "BELLWETHER_SANDBOX_PROFILE", default_value_t = Profile::Calm)]
    pub(crate) profile: Profile,
    /// Serve the sandbox's control routes to other machines too, for a closed network
    #[arg(long = "sandbox-open-control", env = "BELLWETHER_SANDBOX_OPEN_CONTROL")]
    pub(crate) open_control: bool,
}

/// Address to listen on. The only name that is known is `localhost`, as 127.0.0.1.
fn parse_address(text: &str) -> Result<SocketAddr, &'static str> {
    let address = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}").parse(),
        None => text.parse(),
    };
    address.map_err(|_| {
        "an address is an IP address (or localhost) and a port, as in 127.0.0.1:3000 or [::1]:3000"
    })
}
