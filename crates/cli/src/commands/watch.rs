//! `bellwether watch`: the watchlist in a terminal.

use anyhow::Context;
use bellwether_api::watchlist_page;
use bellwether_domain::Symbol;
use bellwether_jobs::ScrapeBatch;
use bellwether_queue::{Db, NewJob, audit, enqueue, event};
use bellwether_store::instrument;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    database::{Database, DatabaseArgs},
    out::{say, table},
    watch::{self, Watch},
};

#[derive(Args)]
pub(crate) struct WatchlistArgs {
    #[command(subcommand)]
    action: WatchlistAction,
    /// One JSON document instead of text, in the form of the API
    #[arg(long, env = "BELLWETHER_WATCH_JSON", global = true)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Subcommand)]
enum WatchlistAction {
    /// List every watched symbol with its price, its signal and its firing alerts
    List(Watch),
    /// Watch symbols, and scrape new ones once now
    Add {
        #[arg(required = true)]
        symbols: Vec<Symbol>,
    },
    /// Watch symbols no more; their data is kept as long as others
    Remove {
        #[arg(required = true)]
        symbols: Vec<Symbol>,
    },
}

pub(crate) async fn run(args: WatchlistArgs) -> anyhow::Result<bool> {
    Database::using(&args.database, async |database| {
        act(&database.pool, args.action, args.json).await
    })
    .await
}

async fn act(pool: &Db, action: WatchlistAction, json: bool) -> anyhow::Result<bool> {
    match action {
        WatchlistAction::List(watch) => {
            return watch
                .show(async || {
                    let page = watchlist_page(pool).await?;
                    if json { watch::json(&page) } else { list(&serde_json::to_value(page)?) }
                })
                .await;
        }
        WatchlistAction::Add { symbols } => add(pool, &symbols).await?,
        WatchlistAction::Remove { symbols } => remove(pool, &symbols).await?,
    }
    if json {
        say!("{}", watch::json(&watchlist_page(pool).await?)?)?;
    }
    Ok(true)
}

async fn add(pool: &Db, symbols: &[Symbol]) -> anyhow::Result<()> {
    let mut tx = pool.begin().await?;
    instrument::add_unwatched(&mut *tx, symbols).await?;
    let mut added = Vec::new();
    for symbol in symbols {
        if instrument::watch(&mut *tx, symbol, true).await? {
            let detail = json!({"before": null, "after": {"watched": true}});
            audit::add(&mut *tx, "cli", "watchlist.add", symbol.as_str(), &detail).await?;
            event::emit(&mut *tx, "quote", symbol.as_str()).await?;
            added.push(symbol.clone());
        } else {
            tracing::info!("{symbol} is watched already");
        }
    }
    if !added.is_empty() {
        let batch = ScrapeBatch { symbols: Some(added), reason: Some("watchlist".to_owned()) };
        let id = enqueue(&mut *tx, &NewJob::of(&batch)).await?.id;
        tracing::info!("job {id} scrapes what is new");
    }
    tx.commit().await?;
    Ok(())
}

async fn remove(pool: &Db, symbols: &[Symbol]) -> anyhow::Result<()> {
    let mut tx = pool.begin().await?;
    for symbol in symbols {
        let removed = instrument::watch(&mut *tx, symbol, false).await?;
        anyhow::ensure!(removed, "{symbol} is not watched; nothing was removed");
        let detail = json!({"before": {"watched": true}, "after": {"watched": false}});
        audit::add(&mut *tx, "cli", "watchlist.remove", symbol.as_str(), &detail).await?;
        event::emit(&mut *tx, "quote", symbol.as_str()).await?;
    }
    tx.commit().await?;
    Ok(())
}

fn list(page: &Value) -> anyhow::Result<String> {
    let items = page["items"].as_array().context("a page has items")?;
    let text = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let rows = items.iter().map(|row| {
        vec![
            text(&row["symbol"]),
            text(&row["quote"]["price"]),
            text(&row["quote"]["trading_day"]),
            text(&row["signal"]["label"]),
            text(&row["alerts"]["firing"]),
        ]
    });
    Ok(table(&["SYMBOL", "PRICE", "DAY", "SIGNAL", "ALERTS"], rows))
}
