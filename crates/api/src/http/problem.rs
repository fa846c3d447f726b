//! Errors as problem details (RFC 9457).

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bellwether_queue::{self as queue, Fault};
use serde::Serialize;
use utoipa::ToSchema;

/// The kinds of problem; each has a stable `type`, `/problems/<slug>`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProblemKind {
    MalformedJson,
    BadQuery,
    Unauthorized,
    Forbidden,
    ForeignOrigin,
    NotFound,
    MethodNotAllowed,
    NotApplicable,
    TooLarge,
    NotJson,
    InvalidField,
    UnknownKind,
    InvalidArgs,
    IdempotencyKeyReused,
    Internal,
    DatabaseUnavailable,
    NotReady,
    Timeout,
    TooManyStreams,
    TooManyRequests,
    SlowBody,
    AddressTooLong,
}

impl ProblemKind {
    pub(crate) const ALL: [Self; 22] = [
        Self::MalformedJson,
        Self::BadQuery,
        Self::Unauthorized,
        Self::Forbidden,
        Self::ForeignOrigin,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotApplicable,
        Self::TooLarge,
        Self::NotJson,
        Self::InvalidField,
        Self::UnknownKind,
        Self::InvalidArgs,
        Self::IdempotencyKeyReused,
        Self::Internal,
        Self::DatabaseUnavailable,
        Self::NotReady,
        Self::Timeout,
        Self::TooManyStreams,
        Self::TooManyRequests,
        Self::SlowBody,
        Self::AddressTooLong,
    ];

    /// The `type` of a problem.
    pub(crate) fn uri(self) -> String {
        format!("/problems/{}", self.parts().0)
    }

    const fn parts(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::MalformedJson => ("malformed-json", S::BAD_REQUEST, "The body is not JSON"),
            Self::BadQuery => ("bad-query", S::BAD_REQUEST, "A query parameter cannot be read"),
            Self::Unauthorized => ("unauthorized", S::UNAUTHORIZED, "A valid token is needed"),
            Self::Forbidden => ("forbidden", S::FORBIDDEN, "The token's role does not allow this"),
            Self::ForeignOrigin => {
                ("foreign-origin", S::FORBIDDEN, "The request comes from another site")
            }
            Self::NotFound => ("not-found", S::NOT_FOUND, "There is no such thing"),
            Self::MethodNotAllowed => {
                ("method-not-allowed", S::METHOD_NOT_ALLOWED, "The route has no such method")
            }
            Self::NotApplicable => {
                ("not-applicable", S::CONFLICT, "The command does not apply to this state")
            }
            Self::TooLarge => ("too-large", S::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::NotJson => ("not-json", S::UNSUPPORTED_MEDIA_TYPE, "The body has to be JSON"),
            Self::InvalidField => {
                ("invalid-field", S::UNPROCESSABLE_ENTITY, "A field does not fit")
            }
            Self::UnknownKind => {
                ("unknown-kind", S::UNPROCESSABLE_ENTITY, "There is no such kind of job")
            }
            Self::InvalidArgs => {
                ("invalid-args", S::UNPROCESSABLE_ENTITY, "The arguments do not fit the kind")
            }
            Self::IdempotencyKeyReused => (
                "idempotency-key-reused",
                S::UNPROCESSABLE_ENTITY,
                "The idempotency key belongs to another request",
            ),
            Self::Internal => ("internal", S::INTERNAL_SERVER_ERROR, "Something broke here"),
            Self::DatabaseUnavailable => {
                ("database-unavailable", S::SERVICE_UNAVAILABLE, "The database does not answer")
            }
            Self::NotReady => ("not-ready", S::SERVICE_UNAVAILABLE, "Not ready"),
            Self::Timeout => ("timeout", S::SERVICE_UNAVAILABLE, "The request took too long"),
            Self::TooManyRequests => {
                ("too-many-requests", S::TOO_MANY_REQUESTS, "The client asks too often")
            }
            Self::SlowBody => ("slow-body", S::REQUEST_TIMEOUT, "The body came too slowly"),
            Self::AddressTooLong => {
                ("address-too-long", S::URI_TOO_LONG, "The address is too long")
            }
            Self::TooManyStreams => {
                ("too-many-streams", S::SERVICE_UNAVAILABLE, "Too many event streams are open")
            }
        }
    }

    pub const fn status(self) -> StatusCode {
        self.parts().1
    }
}

/// An error answer.
#[derive(Debug)]
pub struct Problem {
    kind: ProblemKind,
    detail: String,
    field: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// A header's value.
#[derive(Debug)]
pub struct Told(HeaderValue);

impl From<&'static str> for Told {
    fn from(text: &'static str) -> Self {
        Self(HeaderValue::from_static(text))
    }
}

impl From<u64> for Told {
    fn from(number: u64) -> Self {
        Self(number.into())
    }
}

/// The body of every error answer, `application/problem+json`.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// Stable: `/problems/` and a word per kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "/problems/invalid-field")]
    kind: String,
    title: String,
    status: u16,
    detail: String,
    /// The field, parameter or header that does not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

pub(crate) type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), field: None, headers: Vec::new() }
    }

    /// A problem with the name of the invalid part.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl Into<Told>) -> Self {
        self.headers.push((name, value.into().0));
        self
    }

    /// 422 for a field of the body.
    pub fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::InvalidField, detail).at(field)
    }

    /// 400 for a parameter of the query.
    pub fn query(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::BadQuery, detail).at(field)
    }

    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::NotFound, detail)
    }

    pub(crate) fn internal() -> Self {
        Self::new(ProblemKind::Internal, "the log of this server says more")
    }

    pub(crate) fn database_away() -> Self {
        Self::new(ProblemKind::DatabaseUnavailable, "the database cannot serve now; try again")
            .header(header::RETRY_AFTER, "5")
    }

    /// 503 for a request that would slow down the others too much now.
    pub(crate) fn busy(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::Timeout, detail).header(header::RETRY_AFTER, "5")
    }

    pub fn kind(&self) -> ProblemKind {
        self.kind
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The field that does not fit.
    pub fn named(&self) -> Option<&str> {
        self.field.as_deref()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (_, status, title) = self.kind.parts();
        let body = ProblemBody {
            kind: self.kind.uri(),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail,
            field: self.field,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.extend(self.headers);
        response
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        match Fault::of(&error) {
            Fault::Outage => {
                tracing::warn!(error = %error, "the database cannot serve now");
                Self::database_away()
            }
            Fault::Contention => {
                tracing::warn!(error = %error, "a conflict rolled a transaction back");
                Self::new(
                    ProblemKind::DatabaseUnavailable,
                    "another change of the same rows came first; try again",
                )
                .header(header::RETRY_AFTER, "1")
            }
            Fault::Statement if is_without_schema(&error) => {
                tracing::error!(error = %error, "the database lacks the schema: run `bellwether migrate`");
                Self::new(
                    ProblemKind::DatabaseUnavailable,
                    "the database lacks the schema of this release: run `bellwether migrate`",
                )
                .header(header::RETRY_AFTER, "30")
            }
            Fault::Statement => {
                tracing::error!(error = %error, "a statement failed");
                Self::internal()
            }
        }
    }
}

impl From<queue::Error> for Problem {
    fn from(error: queue::Error) -> Self {
        if let queue::Error::Database(error) = error {
            return error.into();
        }
        tracing::error!(error = %error, "the queue refused");
        Self::internal()
    }
}

/// Returns true if a schema, table, column or function is missing.
fn is_without_schema(error: &sqlx::Error) -> bool {
    const MISSING: [&str; 4] = ["3F000", "42P01", "42703", "42883"];
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| MISSING.contains(&code.as_ref()))
}
