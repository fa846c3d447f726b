//! Fills a database with simulated days: prices, articles with readings, and the signals that the
//! product's own formula makes of them.
//!
//! `fill month DAYS` fills the database at `DATABASE_URL`, or that of the `bellwether up` which runs in
//! this folder, for the default watchlist: for screenshots and for trying out. `fill growth` fills a
//! scratch database with a year of twenty symbols as it is after pruning, and prints what each table
//! takes.

mod rows;
mod size;

use std::error::Error;

use bellwether_domain::Symbol;
use chrono::{DateTime, Days, TimeDelta, Utc};
use sqlx::PgPool;

use crate::rows::Filler;

/// As `--help` of `bellwether` lists them.
const WATCHLIST: [&str; 5] = ["AAPL", "MSFT", "GOOGL", "AMZN", "TSLA"];
/// Articles a day that the free plans of the news providers return about a share in the news.
const ARTICLES_A_DAY: usize = 10;
const YEAR: u64 = 365;
/// Days after which articles are pruned.
const ARTICLES_KEPT: u64 = 180;
/// Days whose signals are derived from the rows; in a year, the others are copies of them.
const DERIVED: u64 = 10;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["month", days] => month(days.parse()?).await,
        ["growth"] => growth(20, YEAR).await,
        // a quick look at whether it works
        ["growth", days] => growth(20, days.parse()?).await,
        _ => {
            eprintln!("usage: fill month DAYS | fill growth [DAYS]");
            std::process::exit(2)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a program of its own")]
async fn database() -> Result<PgPool, Box<dyn Error>> {
    if let Ok(url) = std::env::var("DATABASE_URL") {
        return Ok(PgPool::connect(&url).await?);
    }
    let data = std::env::var("BELLWETHER_DATA_DIR").unwrap_or_else(|_| ".bellwether".to_owned());
    let settings = bellwether_postgres::Settings::new(std::path::Path::new(&data).join("postgres"));
    let url = bellwether_postgres::running(&settings).await;
    let url = url.ok_or("set DATABASE_URL, or run `just up` in this folder")?;
    Ok(PgPool::connect(secrecy::ExposeSecret::expose_secret(&url)).await?)
}

async fn database_now(pool: &PgPool) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar("select clock_timestamp()").fetch_one(pool).await
}

async fn month(days: u64) -> Result<(), Box<dyn Error>> {
    let pool = database().await?;
    let symbols = WATCHLIST.iter().map(|s| s.parse()).collect::<Result<Vec<Symbol>, _>>()?;
    let now = database_now(&pool).await?;
    let mut filler = Filler::new(pool, symbols, 7);
    filler.prices(now, days).await?;
    for day in days_before(now, days) {
        filler.news(day, now, ARTICLES_A_DAY).await?;
    }
    let signals = filler.signals(now - Days::new(days), now).await?;
    println!("{days} simulated days of {} shares, {signals} signals", WATCHLIST.len());
    Ok(())
}

async fn growth(symbols: usize, days: u64) -> Result<(), Box<dyn Error>> {
    let pool = database().await?;
    let names = (0..symbols).map(|n| format!("S{}{}", letter(n / 26), letter(n)).parse());
    let symbols = names.collect::<Result<Vec<Symbol>, _>>()?;
    let now = database_now(&pool).await?;
    let mut filler = Filler::new(pool.clone(), symbols, 7);
    filler.prices(now, days).await?;
    for day in days_before(now, days.min(ARTICLES_KEPT)) {
        filler.news(day, now, ARTICLES_A_DAY).await?;
    }
    let derived = DERIVED.min(days);
    filler.signals(now - Days::new(derived), now).await?;
    filler.copy_signals(derived, days).await?;
    filler.alerts(days).await?;
    filler.jobs(derived).await?;
    size::print(&pool, days).await
}

fn letter(n: usize) -> char {
    char::from(b'A' + u8::try_from(n % 26).unwrap_or(0))
}

/// Midnights, the oldest first.
fn days_before(now: DateTime<Utc>, days: u64) -> impl Iterator<Item = DateTime<Utc>> {
    let midnight = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    (0..days).rev().map(move |n| midnight - TimeDelta::days(n.cast_signed()))
}
