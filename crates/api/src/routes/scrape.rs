//! `POST /scrape`: scrapes prices and news now.

use std::sync::Arc;

use axum::extract::State;
use bellwether_domain::Symbol;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    http::{
        actor::Actor,
        app::Shared,
        extract::OptionalBody,
        problem::{Problem, Result},
        trigger::{self, Accepted, Triggered},
    },
};

/// Symbols in one request.
const MOST: usize = 100;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(scrape))
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Scrape {
    /// 1 to 100 symbols; the watchlist if left out.
    #[schema(example = json!(["AAPL"]))]
    symbols: Option<Vec<String>>,
}

/// Adds a batch that scrapes the watchlist, or the symbols of the body.
#[utoipa::path(
    post, path = "/scrape", tag = "pipeline", operation_id = "scrape",
    request_body = Option<Scrape>,
    responses((status = 202, body = Triggered)),
)]
async fn scrape(
    State(app): Shared,
    actor: Actor,
    OptionalBody(scrape): OptionalBody<Scrape>,
) -> Result<Accepted> {
    let args = match scrape.symbols {
        None => json!({}),
        Some(symbols) if symbols.is_empty() || symbols.len() > MOST => {
            return Err(Problem::field("symbols", "1 to 100 symbols"));
        }
        Some(symbols) => {
            let mut parsed = Vec::with_capacity(symbols.len());
            for (i, text) in symbols.iter().enumerate() {
                let symbol: Symbol = text.parse().map_err(|e| {
                    let e: bellwether_domain::InvalidSymbol = e;
                    Problem::field(format!("symbols[{i}]"), e.to_string())
                })?;
                if !parsed.contains(&symbol) {
                    parsed.push(symbol);
                }
            }
            json!({ "symbols": parsed })
        }
    };
    trigger::add(&app, &actor, "pipeline.scrape", &[trigger::job(&app, "scrape_batch", &args)?])
        .await
}
