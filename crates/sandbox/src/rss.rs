//! Google News as RSS: the title ends with the publisher, the link is a redirect.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use chrono::TimeDelta;

use crate::answer::{self, Because};
use crate::app::{App, Arrival};
use crate::call::{Call, Identity};
use crate::faults::Class;
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
    faults: &[],
    limits: &[],
};

fn routes() -> Router<Arc<App>> {
    Router::new().route("/rss/google/search", get(search))
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
