//! Request extractors that name the invalid field, parameter or path segment.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
};
use bellwether_domain::Symbol;
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

use crate::{
    App,
    http::problem::{Problem, ProblemKind, Result},
};

/// The largest body, in bytes.
pub const BODY_LIMIT: usize = 256 * 1024;
/// Bytes of an oversized body that are read and discarded, so that its sender receives the answer.
const DRAIN_LIMIT: usize = 16 * 1024 * 1024;

/// Time within which a body must arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

/// A JSON body, together with the bytes that were sent.
pub(crate) struct Body<T>(pub(crate) T, pub(crate) Vec<u8>);

/// A JSON body that may be left out.
pub(crate) struct OptionalBody<T>(pub(crate) T);

/// The body of a command without parameters: left out, or `{}`. Any field is refused, since the
/// caller would expect an effect of it.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmptyBody {}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let json = is_json(request.headers());
        let bytes = read(request).await?;
        if !json {
            return Err(not_json());
        }
        Ok(Self(parse(&bytes)?, bytes))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let json = is_json(request.headers());
        let bytes = read(request).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        if !json {
            return Err(not_json());
        }
        parse(&bytes).map(Self)
    }
}

fn not_json() -> Problem {
    Problem::new(ProblemKind::NotJson, "send the body with `Content-Type: application/json`")
        .at("Content-Type")
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()) else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

async fn read(request: Request) -> Result<Vec<u8>> {
    let too_large =
        || Problem::new(ProblemKind::TooLarge, format!("a body has at most {BODY_LIMIT} bytes"));
    let declared = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse::<usize>().ok())
        .unwrap_or(0);
    let waits = request.headers().contains_key(header::EXPECT);
    if declared > DRAIN_LIMIT || (waits && declared > BODY_LIMIT) {
        return Err(too_large());
    }
    let mut chunks = request.into_body().into_data_stream();
    let (mut bytes, mut seen) = (Vec::with_capacity(declared.min(BODY_LIMIT)), 0_usize);
    let end = Instant::now() + BODY_TIME;
    let slow = |_| {
        let detail = format!("a body arrives within {} seconds", BODY_TIME.as_secs());
        Problem::new(ProblemKind::SlowBody, detail)
    };
    while let Some(chunk) = timeout_at(end, chunks.next()).await.map_err(slow)? {
        let chunk =
            chunk.map_err(|_| Problem::new(ProblemKind::MalformedJson, "the body broke off"))?;
        seen += chunk.len();
        if seen > DRAIN_LIMIT {
            break;
        }
        if seen <= BODY_LIMIT {
            bytes.extend_from_slice(&chunk);
        }
    }
    if seen > BODY_LIMIT { Err(too_large()) } else { Ok(bytes) }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|e| Problem::new(ProblemKind::MalformedJson, e.to_string()))?;
    if let Some(path) = nul(&value) {
        return Err(Problem::field(path, "text holds no NUL characters"));
    }
    // serde would also read a list as the fields in their order
    if !value.is_object() {
        return Err(Problem::field("body", "the body is a JSON object"));
    }
    serde_path_to_error::deserialize(value).map_err(|e| {
        let reason = plain(&e.inner().to_string());
        let path = e.path().to_string();
        let field = field_path(if path == "." { "" } else { &path }, &reason);
        Problem::field(field, reason)
    })
}

/// The reason in terms of JSON and of the query instead of the parser's.
pub(crate) fn plain(reason: &str) -> String {
    const NUMBERS: [&str; 10] =
        ["i8", "i16", "i32", "i64", "isize", "u8", "u16", "u32", "u64", "usize"];
    let (given, expected) = reason.split_once(", expected ").unwrap_or((reason, ""));
    let number = given.ends_with("found in string")
        || given.starts_with("cannot parse integer")
        || given.starts_with("number too ");
    let wanted = match expected {
        _ if number => "a whole number within its range",
        _ if NUMBERS.contains(&expected) => "a whole number within its range",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" => "a text",
        "a sequence" => "a list",
        "a map" => "an object",
        _ if expected.starts_with("struct ") || expected.starts_with("option") => "an object",
        _ if expected.contains("string or map") => "one of its words",
        _ => return reason.to_owned(),
    };
    format!("expected {wanted}")
}

/// The path of the field that does not fit. A missing or unknown field is named by the message
/// alone.
pub(crate) fn field_path(path: &str, reason: &str) -> String {
    match reason.split('`').nth(1).filter(|_| reason.contains(" field `")) {
        Some(name) if path.is_empty() => name.to_owned(),
        Some(name) if !path.ends_with(name) => format!("{path}.{name}"),
        _ => path.to_owned(),
    }
}

/// Path of the first text that holds U+0000, which PostgreSQL does not store.
fn nul(value: &Value) -> Option<String> {
    let below = |name: String, inner: &Value| {
        let dot = |rest: &str| !rest.is_empty() && !rest.starts_with('[');
        nul(inner).map(|rest| if dot(&rest) { format!("{name}.{rest}") } else { name + &rest })
    };
    match value {
        Value::String(s) => s.contains('\0').then(String::new),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(i, item)| below(format!("[{i}]"), item))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, inner)| {
            if name.contains('\0') {
                return Some(name.replace('\0', ""));
            }
            below(name.clone(), inner)
        }),
        _ => None,
    }
}

/// The query; 400 names the invalid parameter.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|rejection| misfit(&rejection.body_text()))
    }
}

/// The parameter is named by its path before the reason or, if it occurs twice, in the reason.
fn misfit(text: &str) -> Problem {
    let reason = text.rsplit_once("query string: ").map_or(text, |(_, reason)| reason);
    match reason.split_once(": ") {
        Some((name, rest)) if !name.contains(' ') => Problem::query(name, plain(rest)),
        _ => match reason.split('`').nth(1) {
            Some(name) => Problem::query(name, reason),
            None => Problem::new(ProblemKind::BadQuery, reason),
        },
    }
}

/// A job's id in the path. 404 for a text that is no number.
pub(crate) struct Id(pub(crate) bellwether_queue::JobId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let text = path_text(parts, state).await?;
        text.parse().map(|id| Self(bellwether_queue::JobId(id))).map_err(|_| no_job(&text))
    }
}

pub(crate) fn no_job(id: impl std::fmt::Display) -> Problem {
    Problem::not_found(format!("there is no job {}", cut(&id.to_string())))
}

/// A name in the path: of a queue, a limit key or a schedule.
pub(crate) struct Name(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let text = path_text(parts, state).await?;
        if text.contains('\0') {
            return Err(Problem::not_found("there is no such name"));
        }
        Ok(Self(text))
    }
}

/// A symbol in the path that is watched or known. 422 for a text that is no symbol, 404 for a
/// symbol that is neither watched nor listed.
pub(crate) struct KnownSymbol(pub(crate) Symbol);

impl FromRequestParts<Arc<App>> for KnownSymbol {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        let text = path_text(parts, app).await?;
        let symbol: Symbol = text.parse().map_err(|e: bellwether_domain::InvalidSymbol| {
            Problem::field("symbol", e.to_string())
        })?;
        let known = app.watchlist.contains(&symbol)
            || bellwether_store::instrument::find(&app.pool, &symbol).await?.is_some();
        if known {
            Ok(Self(symbol))
        } else {
            Err(Problem::not_found(format!("{symbol} is not watched here")).at("symbol"))
        }
    }
}

pub(crate) async fn path_text<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<String> {
    axum::extract::Path::<String>::from_request_parts(parts, state)
        .await
        .map(|axum::extract::Path(text)| text)
        .map_err(|_| Problem::not_found("the path cannot be read"))
}

/// A time in RFC 3339, or none. Its year has four digits, which keeps it within PostgreSQL's range.
pub(crate) fn time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DateTime<Utc>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    DateTime::parse_from_rfc3339(&text)
        .map(|time| Some(time.to_utc()))
        .map_err(|_| D::Error::custom("a time is written as in 2026-11-30T14:30:00Z"))
}

pub(crate) fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read is looked at")]
    struct Sample {
        kind: String,
        inner: Option<Inner>,
    }

    #[derive(Deserialize, Debug)]
    #[expect(dead_code, reason = "only whether it can be read is looked at")]
    struct Inner {
        n: u8,
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_the_clients_fault() {
        let pieces = futures_util::stream::once(async { Ok::<_, std::io::Error>("{") });
        let endless = pieces.chain(futures_util::stream::pending());
        let request = Request::new(axum::body::Body::from_stream(endless));
        let began = Instant::now();
        let problem = read(request).await.unwrap_err();
        assert_eq!((problem.kind(), began.elapsed()), (ProblemKind::SlowBody, BODY_TIME));
    }

    #[test]
    fn a_misfit_is_named_by_its_field() {
        let field = |text: &str| {
            let problem = parse::<Sample>(text.as_bytes()).unwrap_err();
            let body = serde_json::to_value(format!("{problem:?}")).unwrap();
            assert_eq!(problem.kind(), ProblemKind::InvalidField, "{body}");
            problem.named().unwrap().to_owned()
        };
        assert_eq!(field("{}"), "kind");
        assert_eq!(field(r#"{"kind":1}"#), "kind");
        assert_eq!(field(r#"{"kind":"a","knid":1}"#), "knid");
        assert_eq!(field(r#"{"kind":"a","inner":{}}"#), "inner.n");
        assert_eq!(field(r#"{"kind":"a","inner":{"n":-1}}"#), "inner.n");
        assert_eq!(field(r#"{"kind":"a\u0000"}"#), "kind");
        assert_eq!(field(r#"{"kind":["a",["b\u0000"]]}"#), "kind[1][0]");
        assert_eq!(field(r#"{"kind":[{"n":"b\u0000"}]}"#), "kind[0].n");
        assert_eq!(field("[1]"), "body");
        assert_eq!(field_path("args", "missing field `symbol`"), "args.symbol");
        assert_eq!(field_path("args.symbols[1]", "\"a b\" is not a symbol"), "args.symbols[1]");
        for (text, told) in [
            (r#"{"kind":1}"#, "expected a text"),
            (r#"{"kind":"a","inner":{"n":-1}}"#, "expected a whole number within its range"),
            (r#"{"kind":"a","inner":7}"#, "expected an object"),
        ] {
            assert_eq!(parse::<Sample>(text.as_bytes()).unwrap_err().detail(), told);
        }
        let kind = parse::<Sample>(b"{").unwrap_err().kind();
        assert_eq!(kind, ProblemKind::MalformedJson);
    }
}
