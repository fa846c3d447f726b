//! The kinds of job that the routes ask for, with the arguments they have in the pipeline, and
//! one more for the monitor.

use bellwether_queue::{
    Attempt, Failure, Job, JobArgs, Registry, UniqueUntil,
    schemars::{Schema, schema_for},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! kind {
    ($name:ident, $kind:literal, $queue:literal, $holds:expr, { $($field:ident: $type:ty),* }, $key:expr) => {
        #[derive(Serialize, Deserialize, JsonSchema)]
        pub(crate) struct $name {
            $(
                #[serde(skip_serializing_if = "absent", default)]
                pub(crate) $field: $type,
            )*
        }

        impl JobArgs for $name {
            const KIND: &'static str = $kind;
            const QUEUE: &'static str = $queue;
            const UNIQUE_UNTIL: UniqueUntil = $holds;

            fn unique_key(&self) -> Option<String> {
                let key: fn(&Self) -> Option<String> = $key;
                key(self)
            }

            fn schema() -> Option<Schema> {
                Some(schema_for!(Self))
            }
        }

        impl Job for $name {
            type Context = ();
            type Output = ();

            async fn run(self, (): (), _: &Attempt) -> Result<(), Failure> {
                Ok(())
            }
        }
    };
}

fn absent<T: Serialize>(value: &T) -> bool {
    serde_json::to_value(value).is_ok_and(|v| v.is_null())
}

kind!(ScrapeBatch, "scrape_batch", "scraper", UniqueUntil::Pruned,
    { symbols: Option<Vec<String>>, reason: Option<String> }, |_| None);
kind!(AnalyzeArticle, "analyze_article", "analyzer", UniqueUntil::Pruned,
    { article: i64, analyzer: Option<String> }, |job| Some(job.article.to_string()));
kind!(EvaluateAlerts, "evaluate_alerts", "alert", UniqueUntil::Claimed,
    { symbol: Option<String>, cause: String },
    |job| Some(format!("{}/{}", job.symbol.as_deref().unwrap_or(""), job.cause)));

/// A kind that insists on its argument.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Prune {
    #[serde(default)]
    days: u8,
}

impl JobArgs for Prune {
    const KIND: &'static str = "prune";
    const QUEUE: &'static str = "maintenance";

    fn schema() -> Option<Schema> {
        Some(schema_for!(Self))
    }
}

impl Job for Prune {
    type Context = ();
    type Output = ();

    async fn run(self, (): (), _: &Attempt) -> Result<(), Failure> {
        Ok(())
    }
}

pub(crate) fn registry() -> Registry {
    Registry::new()
        .with::<ScrapeBatch>()
        .with::<AnalyzeArticle>()
        .with::<EvaluateAlerts>()
        .with::<Prune>()
}
