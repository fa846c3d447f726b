//! Alpha Vantage: quotes, daily bars, scored news. Every error has status 200.

mod notice;

use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use crate::answer::{self, Because};
use crate::app::{App, Arrival};
use crate::call::{Call, Identity};
use crate::faults::{Class, known};
use crate::imitation::Imitation;
use crate::limits::{HOUR, Rule, Scope};
use crate::world::{Bar, Company, World};
use crate::{fixtures, world};
use notice::{invalid_call, notice, outputsize_premium, premium};

pub(crate) static IMITATION: Imitation = Imitation {
    name: "alpha_vantage",
    path: Some("alphavantage"),
    routes,
    identify,
    classes: &[Class::Http, Class::Stories],
    faults: &[
        known("F20", &[], "one-request-per-second notice that also names the day's limit"),
        known("F21", &[], "daily notice that echoes the key"),
        known("F22", &[], "old `Note` of 5 calls per minute"),
        known("F23", &[], "premium endpoint"),
        known("F24", &[], "outputsize=full is premium"),
        known("F25", &[], "invalid key"),
        known("F26", &[], "demo key"),
        known("F27", &["empty_object", "empty_quote"], "no data and no reason"),
        known("F28", &[], "`Error Message`: invalid API call"),
        known("F29", &["none", "dash", "empty", "missing"], "numbers that are none"),
        known("F30", &[], "a trading day five sessions old"),
        known("F31", &[], "an unadjusted 10:1 split on the newest session"),
        known("F32", &[], "news feed with an undocumented label"),
    ],
    limits: &[
        Rule::requests("per_second", 1, Scope::Source, 1),
        Rule::requests("per_day", 24 * HOUR, Scope::Key, 25),
    ],
};

fn routes() -> Router<Arc<App>> {
    Router::new().route("/alphavantage/query", get(query))
}

fn identify(call: &Call) -> Identity {
    Identity::of_key(call.param("apikey"))
}

async fn query(
    Extension(call): Extension<Call>,
    Extension(arrival): Extension<Arrival>,
) -> Response {
    let ok = |body: Value| answer::json(200, &body);
    if let Some(notice) = notice(&call, &arrival) {
        return ok(notice);
    }
    let symbol = call.param("symbol").unwrap_or("").to_ascii_uppercase();
    let company = World::company(&symbol);
    let function = call.param("function").unwrap_or("");
    match function {
        "GLOBAL_QUOTE" => match company {
            _ if symbol.is_empty() => ok(invalid_call(function)).because("refused:bad_request"),
            None => ok(json!({"Global Quote": {}})).because("refused:unknown_symbol"),
            Some(company) => ok(global_quote(company, &arrival)),
        },
        "TIME_SERIES_DAILY" => match company {
            None => ok(invalid_call(function)).because("refused:unknown_symbol"),
            Some(_) if call.param("outputsize") == Some("full") => {
                ok(outputsize_premium()).because("refused:premium")
            }
            Some(company) => ok(daily(company, &arrival)),
        },
        "NEWS_SENTIMENT" => match news(&call, &arrival) {
            Some(feed) => ok(feed),
            None => {
                ok(json!({"Information": "Invalid inputs. Please refer to the API documentation \
                https://www.alphavantage.co/documentation#newsapi and try again."}))
                .because("refused:bad_request")
            }
        },
        "TIME_SERIES_INTRADAY" | "TIME_SERIES_DAILY_ADJUSTED" => {
            ok(premium()).because("refused:premium")
        }
        other => {
            let text = format!("This API function ({other}) does not exist.");
            ok(json!({"Error Message": text})).because("refused:bad_request")
        }
    }
}

/// The newest session under the split fault: a tenth of the price, without notice.
fn split(arrival: &Arrival, mut bar: Bar) -> Bar {
    if arrival.has("F31") {
        for price in [&mut bar.open, &mut bar.high, &mut bar.low, &mut bar.close] {
            *price = (*price * 10.0).round() / 100.0;
        }
        bar.volume *= 10;
    }
    bar
}

fn global_quote(company: &'static Company, arrival: &Arrival) -> Value {
    let back = if arrival.has("F30") { 5 } else { 0 };
    let quote = arrival.world.quote(company, arrival.at, back);
    let bar = split(arrival, quote.bar);
    let change = bar.close - quote.previous_close;
    let mut fields = json!({
        "01. symbol": company.symbol,
        "02. open": price(bar.open),
        "03. high": price(bar.high),
        "04. low": price(bar.low),
        "05. price": price(bar.close),
        "06. volume": bar.volume.to_string(),
        "07. latest trading day": bar.day.to_string(),
        "08. previous close": price(quote.previous_close),
        "09. change": format!("{change:.4}"),
        "10. change percent": format!("{:.4}%", change / quote.previous_close * 100.0),
    });
    if let (Some(fault), Some(fields)) = (arrival.fault("F29"), fields.as_object_mut()) {
        blank(fields, fault.mode, &["05. price", "06. volume", "08. previous close"]);
    }
    json!({"Global Quote": fields})
}

fn daily(company: &'static Company, arrival: &Arrival) -> Value {
    let skip = if arrival.has("F30") { 5 } else { 0 };
    let bars = arrival.world.bars(company, arrival.at, 100 + skip);
    let mut series = Map::new();
    for (index, bar) in bars[skip..].iter().enumerate() {
        let bar = if index == 0 { split(arrival, *bar) } else { *bar };
        let mut fields = json!({
            "1. open": price(bar.open),
            "2. high": price(bar.high),
            "3. low": price(bar.low),
            "4. close": price(bar.close),
            "5. volume": bar.volume.to_string(),
        });
        if let (0, Some(fault), Some(fields)) =
            (index, arrival.fault("F29"), fields.as_object_mut())
        {
            blank(fields, fault.mode, &["4. close", "5. volume"]);
        }
        series.insert(bar.day.to_string(), fields);
    }
    json!({
        "Meta Data": {
            "1. Information": "Daily Prices (open, high, low, close) and Volumes",
            "2. Symbol": company.symbol,
            "3. Last Refreshed": bars[skip].day.to_string(),
            "4. Output Size": "Compact",
            "5. Time Zone": "US/Eastern",
        },
        "Time Series (Daily)": series,
    })
}

fn blank(fields: &mut Map<String, Value>, mode: &str, names: &[&str]) {
    for name in names {
        match mode {
            "missing" => {
                fields.remove(*name);
            }
            "dash" => {
                fields.insert((*name).to_owned(), json!("-"));
            }
            "empty" => {
                fields.insert((*name).to_owned(), json!(""));
            }
            _ => {
                fields.insert((*name).to_owned(), json!("None"));
            }
        }
    }
}

fn price(price: f64) -> String {
    format!("{price:.4}")
}

const STAMP: &str = "%Y%m%dT%H%M%S";

fn time(text: &str) -> Option<DateTime<Utc>> {
    let seconds = if text.len() == 13 { format!("{text}00") } else { text.to_owned() };
    NaiveDateTime::parse_from_str(&seconds, STAMP).ok().map(|time| time.and_utc())
}

/// `None` if a parameter is invalid.
fn news(call: &Call, arrival: &Arrival) -> Option<Value> {
    let bound = |name: &str, default| call.param(name).map_or(Some(default), time);
    let from = bound("time_from", arrival.at - TimeDelta::days(7))?;
    let to = bound("time_to", arrival.at)?.min(arrival.at);
    let limit = match call.param("limit") {
        Some("1000") => 1_000,
        _ => 50,
    };
    let tickers: Vec<_> = call.param("tickers").unwrap_or("").split(',').collect();
    let tickers: Vec<_> = tickers.into_iter().filter(|t| !t.is_empty()).collect();
    let topic = call.param("topics").map(str::to_lowercase);
    let mut feed = Vec::new();
    let mut articles = arrival.world.articles(from.max(to - TimeDelta::days(31)), to);
    if call.param("sort") == Some("EARLIEST") {
        articles.reverse();
    }
    for (event, index) in articles {
        let topics = topics_of(event.kind);
        // Several tickers must all match, and each story here has one.
        if !tickers.iter().all(|ticker| *ticker == event.symbol)
            || topic.as_ref().is_some_and(|asked| !topics.iter().any(|t| asked.contains(t)))
        {
            continue;
        }
        let article = &event.articles[index];
        let noise = world::normal(&mut world::chance(arrival.world.seed, &article.url, 0));
        let score = (event.polarity * 0.5 + 0.1 * noise).clamp(-1.0, 1.0);
        let label = if arrival.has("F32") { "Moonish" } else { label(score) };
        let mut summary = article.description.clone();
        if let Some(fault) = arrival.fault("F90") {
            summary = format!("{summary} {}", fixtures::injection(fault.mode));
        }
        feed.push(json!({
            "title": article.title,
            "url": article.url,
            "time_published": article.published_at.format(STAMP).to_string(),
            "authors": article.author.iter().collect::<Vec<_>>(),
            "summary": summary,
            "banner_image": null,
            "source": article.outlet.name,
            "category_within_source": "n/a",
            "source_domain": article.outlet.domain,
            "topics": topics.iter()
                .map(|t| json!({"topic": t, "relevance_score": "0.99"})).collect::<Vec<_>>(),
            "overall_sentiment_score": (score * 1e6).round() / 1e6,
            "overall_sentiment_label": label,
            "ticker_sentiment": [{
                "ticker": event.symbol,
                "relevance_score": format!("{:.6}", event.relevance()),
                "ticker_sentiment_score": format!("{score:.6}"),
                "ticker_sentiment_label": label,
            }],
        }));
        if feed.len() == limit {
            break;
        }
    }
    Some(json!({
        "items": feed.len().to_string(),
        "sentiment_score_definition": "x <= -0.35: Bearish; -0.35 < x <= -0.15: Somewhat-Bearish; \
            -0.15 < x < 0.15: Neutral; 0.15 <= x < 0.35: Somewhat_Bullish; x >= 0.35: Bullish",
        "relevance_score_definition": "0 < x <= 1, with a higher score indicating higher relevance.",
        "feed": feed,
    }))
}

fn topics_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "earnings" | "guidance" => &["earnings", "financial_markets"],
        "m&a" => &["mergers_and_acquisitions"],
        "macro" => &["economy_macro"],
        "capital" => &["finance"],
        "product" => &["technology"],
        _ => &["financial_markets"],
    }
}

fn label(score: f64) -> &'static str {
    match score {
        s if s <= -0.35 => "Bearish",
        s if s <= -0.15 => "Somewhat-Bearish",
        s if s < 0.15 => "Neutral",
        s if s < 0.35 => "Somewhat-Bullish",
        _ => "Bullish",
    }
}
