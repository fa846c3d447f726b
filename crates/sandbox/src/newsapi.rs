//! NewsAPI: search and headlines, errors by code.

mod shape;

use std::sync::Arc;

use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::answer::{self, Because};
use crate::app::{App, Arrival, Ruling};
use crate::call::{Call, Identity};
use crate::faults::{Class, known};
use crate::imitation::Imitation;
use crate::limits::{HOUR, Rule, Scope};
use crate::search::Search;
use crate::world::{Article, Event};
use shape::{shape, storm};

/// Results that a developer account may page through.
const MOST: usize = 100;

pub(crate) static IMITATION: Imitation = Imitation {
    name: "newsapi",
    path: Some("newsapi"),
    routes,
    identify,
    classes: &[Class::Http, Class::Stories],
    faults: &[
        known("F40", &[], "429 rateLimited"),
        known("F41", &["429", "401"], "apiKeyExhausted"),
        known("F42", &[], "426 maximumResultsReached"),
        known("F43", &[], "every second article is `[Removed]`"),
        known("F44", &[], "every field is null that may be"),
        known("F45", &[], "`from` is too far in the past"),
        known("F46", &[], "totalResults beyond what can be had"),
        known("F47", &["future", "missing"], "publishedAt in the future, or absent"),
        known("F48", &[], "every article twice, the second time under another URL"),
        known("F49", &[], "titles that are not English"),
        known("F92", &[], "a title of 1 MB"),
        known("F93", &[], "one story from 200 outlets"),
    ],
    limits: &[Rule::requests("per_12h", 12 * HOUR, Scope::Key, 50)],
};

fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/newsapi/v2/everything", get(everything))
        .route("/newsapi/v2/top-headlines", get(top_headlines))
}

fn identify(call: &Call) -> Identity {
    let key = call.header("x-api-key").or_else(|| call.header("authorization"));
    Identity::of_key(key.or_else(|| call.param("apiKey")))
}

/// An error of NewsAPI's own.
struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn answer(self) -> Response {
        let Self { status, code, message } = self;
        answer::json(status, &json!({"status": "error", "code": code, "message": message}))
            .because(format!("refused:{code}"))
    }
}

fn error(status: u16, code: &'static str, message: &str) -> Refusal {
    Refusal { status, code, message: message.to_owned() }
}

/// The refusal that is sent instead of articles, if any.
fn refusal(arrival: &Arrival) -> Option<Response> {
    let limited = || {
        let half = arrival.limit_of("newsapi", "per_12h");
        error(
            429,
            "rateLimited",
            &format!(
                "You have made too many requests recently. Developer accounts are limited to {} \
                 requests over a 24 hour period ({half} requests available every 12 hours). Please \
                 upgrade to a paid plan if you need more requests.",
                half * 2
            ),
        )
    };
    let fault = |refusal: Refusal, id: &str| Some(refusal.answer().because(format!("fault:{id}")));
    match &arrival.ruling {
        Ruling::Over(_) => return Some(limited().answer()),
        Ruling::BadKey if arrival.identity.key.as_deref().unwrap_or("").is_empty() => {
            return Some(
 error(
                401,
                "apiKeyMissing",
                "Your API key is missing. Append this to the URL with the apiKey param, or use the \
                 x-api-key HTTP header.",
            ).answer());
        }
        Ruling::BadKey => {
            return Some(
                error(
                    401,
                    "apiKeyInvalid",
                    "Your API key is invalid or incorrect. Check your key, or go to \
                 https://newsapi.org to create a free API key.",
                )
                .answer(),
            );
        }
        Ruling::Admitted => {}
    }
    if arrival.has("F40") {
        return fault(limited(), "F40");
    }
    if let Some(exhausted) = arrival.fault("F41") {
        let status = exhausted.mode.parse().unwrap_or(429);
        let message = "Your API key has no more requests available.";
        return fault(error(status, "apiKeyExhausted", message), "F41");
    }
    if arrival.has("F42") {
        return fault(beyond(MOST, MOST * 2), "F42");
    }
    arrival.has("F45").then(|| too_far(arrival.at).answer().because("fault:F45"))
}

fn beyond(from: usize, to: usize) -> Refusal {
    error(
        426,
        "maximumResultsReached",
        &format!(
            "You have requested too many results. Developer accounts are limited to a max of {MOST} \
             results. You are trying to request results {from} to {to}. Please upgrade to a paid \
             plan if you need more results."
        ),
    )
}

fn too_far(now: DateTime<Utc>) -> Refusal {
    let earliest = (now - TimeDelta::days(31)).date_naive();
    error(
        400,
        "parameterInvalid",
        &format!(
            "You are trying to request results too far in the past. Your plan permits you to \
             request articles as far back as {earliest}, but you have requested an earlier date. \
             You may need to upgrade to a paid plan."
        ),
    )
}

fn invalid(message: &str) -> Refusal {
    error(400, "parameterInvalid", message)
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.with_timezone(&Utc));
    }
    if let Ok(time) = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f") {
        return Some(time.and_utc());
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc())
}

struct Page {
    size: usize,
    number: usize,
}

fn page(call: &Call, default: usize) -> Result<Page, Refusal> {
    let number = |name: &str, default: usize| match call.param(name) {
        None => Ok(default),
        Some(text) => match text.parse::<usize>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(invalid(&format!("The {name} parameter must be a number above 0."))),
        },
    };
    let size = number("pageSize", default)?;
    if size > MOST {
        return Err(invalid("The pageSize parameter may not be above 100."));
    }
    let page = Page { size, number: number("page", 1)? };
    let first = page.size.saturating_mul(page.number - 1);
    if first >= MOST {
        return Err(beyond(first, first + page.size));
    }
    Ok(page)
}

async fn everything(
    Extension(call): Extension<Call>,
    Extension(arrival): Extension<Arrival>,
) -> Response {
    if let Some(refusal) = refusal(&arrival) {
        return refusal;
    }
    find_everything(&call, &arrival).unwrap_or_else(Refusal::answer)
}

fn find_everything(call: &Call, arrival: &Arrival) -> Result<Response, Refusal> {
    let (q, sources, domains) = (call.param("q"), call.param("sources"), call.param("domains"));
    if [q, sources, domains].iter().all(|p| p.is_none_or(str::is_empty)) {
        return Err(error(
            400,
            "parametersMissing",
            "Required parameters are missing, the scope of your search is too broad. Please set \
             any of the following required parameters and try again: q, qInTitle, sources, domains.",
        ));
    }
    let search = match q.filter(|q| !q.is_empty()) {
        None => None,
        Some(q) if q.chars().count() > 500 => {
            return Err(invalid("The q parameter may not be longer than 500 characters."));
        }
        Some(q) => Some(Search::parse(q).map_err(invalid)?),
    };
    if sources.is_some_and(|s| s.split(',').count() > 20) {
        return Err(error(400, "sourcesTooMany", "You may name at most 20 sources."));
    }
    let bound = |name: &str| match call.param(name).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => {
            let wrong = || invalid(&format!("The {name} parameter is not an ISO 8601 time."));
            time(text).map(Some).ok_or_else(wrong)
        }
    };
    let earliest = arrival.at - TimeDelta::days(31);
    let from = bound("from")?.unwrap_or(earliest);
    if from.date_naive() < earliest.date_naive() {
        return Err(too_far(arrival.at));
    }
    let to = bound("to")?.unwrap_or(arrival.at).min(arrival.at);
    let page = page(call, 100)?;
    let fields = call.param("searchIn").unwrap_or("title,description,content");
    let named = |list: Option<&str>, value: &str| {
        list.is_none_or(|list| list.split(',').any(|one| one.trim() == value))
    };
    let english = call.param("language").is_none_or(|language| language == "en");
    let site = |article: &Article| article.outlet.domain.trim_start_matches("www.").to_owned();
    let excluded = call.param("excludeDomains");

    let mut found = Vec::new();
    for (event, index) in arrival.world.articles(from, to) {
        let article = &event.articles[index];
        let texts: Vec<_> = ["title", "description", "content"]
            .iter()
            .zip(&article.searchable)
            .filter(|(field, _)| fields.contains(*field))
            .map(|(_, text)| text.as_str())
            .collect();
        let hit = english
            && search.as_ref().is_none_or(|search| search.finds(&texts))
            && (sources.is_none() || article.outlet.id.is_some_and(|id| named(sources, id)))
            && named(domains, &site(article))
            && !excluded.is_some_and(|list| named(Some(list), &site(article)));
        if hit {
            found.push((event, index));
        }
    }
    Ok(answer(arrival, &page, &found))
}

async fn top_headlines(
    Extension(call): Extension<Call>,
    Extension(arrival): Extension<Arrival>,
) -> Response {
    if let Some(refusal) = refusal(&arrival) {
        return refusal;
    }
    find_headlines(&call, &arrival).unwrap_or_else(Refusal::answer)
}

fn find_headlines(call: &Call, arrival: &Arrival) -> Result<Response, Refusal> {
    let names = ["q", "sources", "country", "category", "language"];
    if names.iter().all(|name| call.param(name).is_none_or(str::is_empty)) {
        return Err(error(
            400,
            "parametersMissing",
            "Required parameters are missing. Please set any of the following parameters and try \
             again: sources, q, language, country, category.",
        ));
    }
    let sources = call.param("sources");
    if sources.is_some() && (call.param("country").is_some() || call.param("category").is_some()) {
        return Err(invalid("The sources parameter cannot be mixed with country or category."));
    }
    let page = page(call, 20)?;
    let search = call.param("q").map(Search::parse).transpose().map_err(invalid)?;
    let category = call.param("category").unwrap_or("business");
    let here = call.param("country").is_none_or(|country| country == "us")
        && ["business", "general", "technology"].contains(&category);
    let from = arrival.at - TimeDelta::days(1);
    let mut found = Vec::new();
    for (event, index) in arrival.world.articles(from, arrival.at) {
        let article = &event.articles[index];
        let texts = [article.searchable[0].as_str(), article.searchable[1].as_str()];
        let wanted = sources.is_none_or(|list| {
            article.outlet.id.is_some_and(|id| list.split(',').any(|one| one.trim() == id))
        });
        if here && wanted && search.as_ref().is_none_or(|search| search.finds(&texts)) {
            found.push((event, index));
        }
    }
    Ok(answer(arrival, &page, &found))
}

fn answer(arrival: &Arrival, page: &Page, found: &[(Arc<Event>, usize)]) -> Response {
    let mut total = found.len();
    let mut found: Vec<_> =
        found.iter().take(MOST).map(|(event, index)| event.articles[*index].clone()).collect();
    if arrival.has("F93") {
        found = storm(&found);
        total = found.len();
    }
    let skip = page.size * (page.number - 1);
    let size = page.size.min(MOST - skip);
    let mut articles: Vec<Value> = found.iter().skip(skip).take(size).map(show).collect();
    shape(arrival, &mut articles);
    if arrival.has("F46") {
        total += 5_000;
    }
    answer::json(200, &json!({"status": "ok", "totalResults": total, "articles": articles}))
}

fn show(article: &Article) -> Value {
    json!({
        "source": {"id": article.outlet.id, "name": article.outlet.name},
        "author": article.author,
        "title": article.title,
        "description": article.description,
        "url": article.url,
        "urlToImage": null,
        "publishedAt": article.published_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "content": article.content,
    })
}
