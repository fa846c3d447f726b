//! The options of what runs until it is told to stop.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use bellwether_api::Tokens;
use bellwether_domain::Symbol;
use clap::{Args, ValueEnum, builder::BoolishValueParser};
use secrecy::SecretString;

use super::ProviderArgs;

#[derive(Args, Clone)]
pub(crate) struct DatabaseArgs {
    /// The primary; without it, PostgreSQL is started on the data folder
    #[arg(long, env, hide_env_values = true)]
    pub(crate) database_url: Option<SecretString>,
    /// A replica for the product's read routes
    #[arg(long, env, hide_env_values = true)]
    pub(crate) database_read_url: Option<SecretString>,
    /// For LISTEN, migrations and locks, when the primary is behind a transaction pooler
    #[arg(long, env, hide_env_values = true)]
    pub(crate) database_direct_url: Option<SecretString>,
    /// Whether workers are woken by NOTIFY; without it they find jobs by looking every second
    #[arg(
        long,
        env,
        default_value_t = true,
        value_parser = BoolishValueParser::new(),
        action = clap::ArgAction::Set
    )]
    pub(crate) database_listen: bool,
    /// Where the embedded PostgreSQL keeps its data
    #[arg(long, env = "BELLWETHER_DATA_DIR", default_value = ".bellwether")]
    pub(crate) data_dir: PathBuf,
    /// The folder of `postgres` and `initdb`, when they are in none of the usual places
    #[arg(long, env = "BELLWETHER_PG_BIN")]
    pub(crate) pg_bin: Option<PathBuf>,
    /// Where programs are looked for
    #[arg(long, env = "PATH", hide = true)]
    pub(crate) path: Option<std::ffi::OsString>,
    /// Most connections of this process
    #[arg(long, env = "BELLWETHER_DATABASE_CONNECTIONS", default_value_t = 16, value_parser = clap::value_parser!(u32).range(4..=1000))]
    pub(crate) database_connections: u32,
}

#[derive(Args, Clone)]
pub(crate) struct HttpArgs {
    /// Where to listen
    #[arg(long, env = "BELLWETHER_HTTP_ADDR")]
    pub(crate) http_addr: Option<SocketAddr>,
    /// Who may do what: role:token, separated by commas; roles are viewer, operator, admin
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
pub(crate) struct WatchArgs {
    /// The watchlist, separated by commas
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
    /// Days for which signals are kept, with all prices and articles that they are made of
    #[arg(long, env = "BELLWETHER_KEEP_SIGNALS", default_value_t = 400, value_parser = clap::value_parser!(u16).range(7..))]
    pub(crate) keep_signals: u16,
    /// Days for which articles and their readings are kept
    #[arg(long, env = "BELLWETHER_KEEP_ARTICLES", default_value_t = 180, value_parser = clap::value_parser!(u16).range(7..))]
    pub(crate) keep_articles: u16,
}

#[derive(Args)]
pub(crate) struct UpArgs {
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
    /// Which queues: scraper works scraper and maintenance
    #[arg(value_enum)]
    pub(crate) role: Role,
    /// Attempts at a time in each queue
    #[arg(long, env = "BELLWETHER_CONCURRENCY", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) concurrency: u16,
    /// How long running jobs may go on after SIGTERM
    #[arg(long, env = "BELLWETHER_GRACE", default_value = "25s", value_parser = humantime::parse_duration)]
    pub(crate) grace: Duration,
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
pub(crate) struct SandboxArgs {
    /// Where the sandbox answers
    #[arg(
        long = "sandbox-addr",
        env = "BELLWETHER_SANDBOX_ADDR",
        default_value = "127.0.0.1:4010"
    )]
    pub(crate) addr: SocketAddr,
    /// Where the sandbox takes mail
    #[arg(
        long = "sandbox-smtp-addr",
        env = "BELLWETHER_SANDBOX_SMTP_ADDR",
        default_value = "127.0.0.1:4025"
    )]
    pub(crate) smtp_addr: SocketAddr,
    /// Equal seeds give equal prices and stories
    #[arg(long = "sandbox-seed", env = "BELLWETHER_SANDBOX_SEED", default_value_t = 42)]
    pub(crate) seed: u64,
}
