//! `bellwether sandbox`: the provider sandbox alone.

use anyhow::Context;
use bellwether_sandbox::{Options, Running, Sandbox};

use crate::{args::SandboxArgs, lifecycle::Lifecycle};

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
