//! The pipeline: one file per job kind, and each reads as find, ask, decide, keep, pass on.
//!
//! A job's rows, its completion and the jobs it leads to commit in one transaction; no
//! provider is called inside one. `grep -rnE '(enqueue|attempt.add)\(' jobs` prints the architecture.

mod analyzer;
mod credentials;
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
pub mod scrape_feed;
pub mod scrape_news;
pub mod scrape_quotes;
pub mod send_notification;

use bellwether_queue::{Handlers, Registry};

pub use analyze_article::AnalyzeArticle;
pub use analyzer::{Analyzer, Analyzers, Model};
pub use derive_signal::{DeriveSignal, derive_at};
pub use error::Error;
pub use evaluate_alerts::EvaluateAlerts;
pub use limits::{Plan, Plans};
pub use prune::Prune;
pub use scrape_batch::ScrapeBatch;
pub use scrape_feed::ScrapeFeed;
pub use scrape_news::ScrapeNews;
pub use scrape_quotes::{Part, ScrapeQuotes};
pub use send_notification::SendNotification;
pub use services::{Keep, Mail, Services, Settings, Texts};

macro_rules! kinds {
    ($($kind:ident),+ $(,)?) => {
        /// Every kind with its policy, for callers that add jobs without running them.
        pub fn registry() -> Registry {
            Registry::new()$(.with::<$kind>())+
        }

        /// Every kind with its work.
        pub fn handlers(services: &Services) -> Handlers {
            Handlers::new()$(.with::<$kind>(services.clone()))+
        }
    };
}

kinds!(
    AnalyzeArticle,
    DeriveSignal,
    EvaluateAlerts,
    Prune,
    ScrapeBatch,
    ScrapeFeed,
    ScrapeNews,
    ScrapeQuotes,
    SendNotification,
);

/// Adds the watchlist of an empty database, the default rules, the limit keys, the lanes of these queues
/// and the schedules. Every worker does so when it starts; operators' changes are kept.
pub async fn prepare(services: &Services, queues: &[&str]) -> Result<(), Error> {
    let mut tx = services.pool.begin().await?;
    bellwether_store::instrument::seed(&mut *tx, &services.watchlist).await?;
    bellwether_store::rule::seed(&mut tx).await?;
    tx.commit().await?;
    limits::define(services, queues).await?;
    schedules::define(&services.pool).await
}
