//! Feeds: GlobeNewswire's and PR Newswire's releases with conditional requests, and Google News, whose
//! titles end with the publisher and whose links are redirects.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::http::HeaderValue;
use axum::http::header::ETAG;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use chrono::TimeDelta;

use crate::answer::{self, Because};
use crate::app::{App, Arrival};
use crate::call::{Call, Identity};
use crate::faults::{Class, known};
use crate::fixtures;
use crate::imitation::Imitation;
use crate::search::Search;
use crate::world::hash;

pub(crate) static IMITATION: Imitation = Imitation {
    name: "rss",
    path: Some("rss"),
    routes,
    identify: |_| Identity::anonymous(),
    classes: &[Class::Http, Class::Stories],
    faults: &[
        known("F97", &[], "the feed ends inside an item"),
        known("F98", &[], "no item has an identity"),
    ],
    limits: &[],
};

fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/rss/google/search", get(search))
        .route("/rss/globenewswire", get(globenewswire))
        .route("/rss/prnewswire", get(prnewswire))
}

/// Items of a wire's feed.
const ITEMS: usize = 20;

async fn globenewswire(call: Extension<Call>, arrival: Extension<Arrival>) -> Response {
    wire(&call, &arrival, "GlobeNewswire - News about Public Companies", 0)
}

async fn prnewswire(call: Extension<Call>, arrival: Extension<Arrival>) -> Response {
    wire(&call, &arrival, "PR Newswire", 1)
}

/// The newest releases of a wire. Each release goes out over one of the two wires, `part` 0 or 1, as
/// companies do; only the first one names tickers in categories
/// (<https://www.globenewswire.com/rss/stock>), the other in its text.
///
/// An unchanged feed is answered by 304 without a body (RFC 9110, section 13.1.2).
fn wire(call: &Call, arrival: &Arrival, title: &str, part: u64) -> Response {
    let mut items = String::new();
    let articles = arrival.world.articles(arrival.at - TimeDelta::days(3), arrival.at);
    let first_of = articles.iter().filter(|(event, index)| {
        *index == 0 && hash(event.id.as_bytes(), arrival.world.seed) % 2 == part
    });
    for (event, index) in first_of.take(ITEMS) {
        let article = &event.articles[*index];
        let mut title = escape(&article.title);
        if let Some(fault) = arrival.fault("F90") {
            title = format!("{title} {}", escape(&fixtures::injection(fault.mode)));
        }
        let (link, symbol) = (escape(&article.url), event.symbol);
        let identity = if arrival.has("F98") {
            String::new()
        } else {
            format!("<guid isPermaLink=\"true\">{link}</guid>")
        };
        let ticker = if part == 0 {
            format!(
                "<category domain=\"https://www.globenewswire.com/rss/stock\">Nasdaq:{symbol}</category>"
            )
        } else {
            String::new()
        };
        let date = article.published_at.to_rfc2822().replace("+0000", "GMT");
        let text = escape(&article.description);
        write!(
            items,
            "<item>{identity}<link>{link}</link>{ticker}<title>{title}</title>\
             <description>{text} (NASDAQ: {symbol})</description><pubDate>{date}</pubDate></item>"
        )
        .expect("a string takes all that is written");
    }
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><rss version=\"2.0\"><channel><title>{title}</title>\
         <link>https://www.example.com/rss</link><ttl>5</ttl>{items}</channel></rss>"
    );
    let etag = format!("\"{:016x}\"", hash(body.as_bytes(), 0));
    if call.header("if-none-match") == Some(etag.as_str()) {
        return answer::raw(304, "application/rss+xml", "").because("unchanged");
    }
    let body = match body.rfind("<description>") {
        Some(inside) if arrival.has("F97") => body[..inside + 20].to_owned(),
        _ => body,
    };
    let mut response = answer::raw(200, "application/rss+xml; charset=utf-8", body);
    let etag = HeaderValue::from_str(&etag).expect("a hash in quotes is a header");
    response.headers_mut().insert(ETAG, etag);
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

async fn search(
    Extension(call): Extension<Call>,
    Extension(arrival): Extension<Arrival>,
) -> Response {
    let q = call.param("q").unwrap_or("");
    let wanted = match Search::parse(q) {
        Ok(wanted) => wanted,
        Err(message) => {
            return answer::raw(400, "text/plain", message).because("refused:bad_request");
        }
    };
    let mut items = String::new();
    let articles = arrival.world.articles(arrival.at - TimeDelta::days(7), arrival.at);
    let hits = articles.iter().filter(|(event, index)| {
        let article = &event.articles[*index];
        wanted.finds(&[&article.searchable[0], &article.searchable[1]])
    });
    for (event, index) in hits.take(100) {
        let article = &event.articles[*index];
        let mark = hash(article.url.as_bytes(), arrival.world.seed);
        let mut title = format!("{} - {}", article.title, article.outlet.name);
        if let Some(fault) = arrival.fault("F90") {
            title = format!("{title} {}", fixtures::injection(fault.mode));
        }
        let link = format!("https://news.google.com/rss/articles/CBMi{mark:016x}?oc=5");
        let (title, name) = (escape(&title), escape(article.outlet.name));
        let date = article.published_at.to_rfc2822().replace("+0000", "GMT");
        let domain = article.outlet.domain;
        write!(
            items,
            "<item><title>{title}</title><link>{link}</link>\
             <guid isPermaLink=\"false\">CBMi{mark:016x}</guid><pubDate>{date}</pubDate>\
             <description>&lt;a href=\"{link}\"&gt;{title}&lt;/a&gt;</description>\
             <source url=\"https://{domain}\">{name}</source></item>"
        )
        .expect("a string takes all that is written");
    }
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\
         <rss xmlns:media=\"http://search.yahoo.com/mrss/\" version=\"2.0\"><channel>\
         <generator>NFE/5.0</generator><title>\"{q}\" - Google News</title>\
         <link>https://news.google.com/search?q={q}</link><language>en-US</language>\
         <lastBuildDate>{now}</lastBuildDate>{items}</channel></rss>",
        q = escape(q),
        now = arrival.at.to_rfc2822().replace("+0000", "GMT"),
    );
    answer::raw(200, "application/xml; charset=utf-8", body)
}
