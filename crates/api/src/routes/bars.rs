//! `/api/bars/{symbol}`: the daily bars of a symbol, as currently known.

use std::sync::Arc;

use axum::extract::State;
use bellwether_store::bar;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    http::{
        app::Shared,
        extract::{KnownSymbol, Query},
        page::{BARS, Page, Paging, day},
        problem::Result,
        replica::ReplicaRead,
    },
    routes::quotes::plain,
};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_bars))
}

/// One session.
#[derive(Serialize, ToSchema)]
struct Bar {
    /// The exchange's day.
    day: NaiveDate,
    #[schema(value_type = String, example = "259.44")]
    open: Decimal,
    #[schema(value_type = String)]
    high: Decimal,
    #[schema(value_type = String)]
    low: Decimal,
    #[schema(value_type = String)]
    close: Decimal,
    volume: i64,
}

impl From<bellwether_domain::Bar> for Bar {
    fn from(bar: bellwether_domain::Bar) -> Self {
        Self {
            day: bar.day,
            open: plain(bar.open),
            high: plain(bar.high),
            low: plain(bar.low),
            close: plain(bar.close),
            volume: bar.volume,
        }
    }
}

/// Lists the completed sessions of a symbol, newest first.
#[utoipa::path(
    get, path = "/api/bars/{symbol}", tag = "product", operation_id = "listBars",
    params(("symbol" = String, Path, example = "AAPL"), Paging),
    responses((status = 200, body = Page<Bar>)),
)]
async fn list_bars(
    State(app): Shared,
    KnownSymbol(symbol): KnownSymbol,
    Query(paging): Query<Paging>,
) -> Result<ReplicaRead<Page<Bar>>> {
    let (limit, before) = (paging.limit()?, paging.day(&BARS)?);
    let read = app
        .read(|pool| {
            let symbol = symbol.clone();
            async move { bar::list(&pool, &symbol, before, limit + 1).await }
        })
        .await?;
    Ok(read.map(|bars| Page::from_rows(&BARS, bars, limit, |b| day(b.day))))
}
