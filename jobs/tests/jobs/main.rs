//! Every job kind against real PostgreSQL and the provider sandbox.

mod analyze_article;
mod analyze_quota;
mod derive_signal;
mod evaluate_alerts;
mod kinds;
mod outages;
mod parks;
mod pipeline;
mod prune;
mod scrape_batch;
mod scrape_feed;
mod scrape_news;
mod scrape_quotes;
mod send_notification;
mod setup;
mod stage;
mod undelivered;
