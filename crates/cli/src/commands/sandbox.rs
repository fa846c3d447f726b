//! `bellwether sandbox`: the provider sandbox alone.

use std::net::SocketAddr;

use anyhow::Context;
use bellwether_sandbox::{Options, Profile, Running, Sandbox};
use clap::Args;

use crate::{args::value::parse_address, lifecycle::Lifecycle};

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
    addr: SocketAddr,
    /// Address of the sandbox's mail server
    #[arg(
        long = "sandbox-smtp-addr",
        env = "BELLWETHER_SANDBOX_SMTP_ADDR",
        value_parser = parse_address,
        default_value = "127.0.0.1:4025"
    )]
    smtp_addr: SocketAddr,
    /// Seed of prices and stories; equal seeds give equal ones
    #[arg(long = "sandbox-seed", env = "BELLWETHER_SANDBOX_SEED", default_value_t = 42)]
    seed: u64,
    /// Profile of limits and faults: calm, flaky, quota-tight, chaos, thanksgiving-2026, or outage-
    /// with alphavantage, newsapi, gemini, openai, twilio, webhook or rss
    #[arg(long = "sandbox-profile", env = "BELLWETHER_SANDBOX_PROFILE", default_value_t = Profile::Calm)]
    profile: Profile,
    /// Serve the sandbox's control routes to other machines too, for a closed network
    #[arg(long = "sandbox-open-control", env = "BELLWETHER_SANDBOX_OPEN_CONTROL")]
    open_control: bool,
}

pub(crate) async fn run(args: SandboxArgs) -> anyhow::Result<bool> {
    let lifecycle = Lifecycle::start()?;
    let sandbox = start(&args).await?;
    println!("{}", sandbox.url());
    lifecycle.soft.cancelled().await;
    sandbox.stop().await;
    Ok(true)
}

pub(crate) async fn start(args: &SandboxArgs) -> anyhow::Result<Running> {
    let options = Options {
        seed: args.seed,
        http_addr: args.addr,
        smtp_addr: Some(args.smtp_addr),
        profile: args.profile.clone(),
        open_control: args.open_control,
        ..Options::default()
    };
    Sandbox::start(options).await.with_context(|| {
        format!(
            "cannot start the provider sandbox on {} and {} (BELLWETHER_SANDBOX_ADDR, BELLWETHER_SANDBOX_SMTP_ADDR)",
            args.addr, args.smtp_addr
        )
    })
}
