//! The pipeline: one file per job kind, and each reads as find, ask, decide, keep, pass on.
//!
//! What a job keeps, its completion and the jobs it leads to commit in one transaction; no
//! provider is called inside one. `grep -rnE '(enqueue|attempt.add)\(' jobs` prints the architecture.

mod analyzer;
mod error;
mod permit;
mod services;

pub mod limits;
pub mod schedules;

pub mod analyze_article;
pub mod derive_signal;
pub mod evaluate_alerts;
pub mod prune;
pub mod scrape_batch;
pub mod scrape_news;
pub mod scrape_quotes;
pub mod send_notification;

use bellwether_queue::{Handlers, Registry};

pub use analyze_article::AnalyzeArticle;
pub use analyzer::{Analyzer, Analyzers, Model, Service};
pub use derive_signal::DeriveSignal;
pub use error::Error;
pub use evaluate_alerts::EvaluateAlerts;
pub use limits::{Plan, Plans};
pub use prune::Prune;
pub use scrape_batch::ScrapeBatch;
pub use scrape_news::ScrapeNews;
pub use scrape_quotes::ScrapeQuotes;
pub use send_notification::SendNotification;
pub use services::{Channels, Keep, Mail, Services, Settings, Texts};

/// Every kind with its policy, for whoever adds jobs without running them.
pub fn registry() -> Registry {
    Registry::new()
        .with::<AnalyzeArticle>()
        .with::<DeriveSignal>()
        .with::<EvaluateAlerts>()
        .with::<Prune>()
        .with::<ScrapeBatch>()
        .with::<ScrapeNews>()
        .with::<ScrapeQuotes>()
        .with::<SendNotification>()
}

/// Every kind with its work.
pub fn handlers(services: Services) -> Handlers<Services> {
    Handlers::new(services)
        .with::<AnalyzeArticle>()
        .with::<DeriveSignal>()
        .with::<EvaluateAlerts>()
        .with::<Prune>()
        .with::<ScrapeBatch>()
        .with::<ScrapeNews>()
        .with::<ScrapeQuotes>()
        .with::<SendNotification>()
}

/// Makes the watchlist, the default rules, the limit keys, the lanes of these queues and the
/// schedules exist. Every worker does so when it starts; what people changed stays.
pub async fn prepare(services: &Services, queues: &[&str]) -> Result<(), Error> {
    let mut tx = services.pool.begin().await?;
    bellwether_store::instrument::add_all(&mut *tx, &services.watchlist).await?;
    bellwether_store::rule::seed(&mut tx).await?;
    tx.commit().await?;
    limits::define(services, queues).await?;
    schedules::define(&services.pool).await
}
