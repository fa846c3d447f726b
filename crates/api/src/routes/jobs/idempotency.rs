//! `Idempotency-Key`: a repeated request gets the first answer.

use axum::http::{HeaderMap, HeaderName, StatusCode};
use bellwether_store::idempotency::{self, Claim};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgExecutor};

use crate::http::problem::{Problem, ProblemKind, Result};

const NAME: HeaderName = HeaderName::from_static("idempotency-key");

/// An answer that can be kept.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn of(status: StatusCode, body: &impl Serialize) -> Self {
        let body = serde_json::to_value(body).expect("answers are made of text and numbers");
        Self { status, body }
    }
}

/// A request's key, within its route and caller.
pub(super) struct Key {
    scope: String,
    text: String,
    request_hash: String,
}

impl Key {
    /// `None`: the request carries no key.
    pub(super) fn of(headers: &HeaderMap, scope: String, body: &[u8]) -> Result<Option<Self>> {
        let Some(value) = headers.get(NAME) else { return Ok(None) };
        let key = value.to_str().unwrap_or_default().trim();
        if key.is_empty() || key.len() > 255 {
            return Err(Problem::field(
                "Idempotency-Key",
                "an idempotency key has 1 to 255 printable ASCII characters",
            ));
        }
        // compared as a value: white space and the order of fields make no other request
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let hash = Sha256::digest(value.to_string().as_bytes());
        let request_hash =
            hash.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        Ok(Some(Self { scope, text: key.to_owned(), request_hash }))
    }

    /// Claims the key; waits for a first request that is still running. `Some`: that request's
    /// answer.
    pub(super) async fn claim(&self, conn: &mut PgConnection) -> Result<Option<Answer>> {
        match idempotency::claim(conn, &self.scope, &self.text, &self.request_hash).await? {
            // without a stored answer nothing was done: both commit together
            Claim::First | Claim::Unanswered => Ok(None),
            Claim::Answered { status, body } => {
                let status = u16::try_from(status).ok().and_then(|s| StatusCode::from_u16(s).ok());
                Ok(Some(Answer { status: status.unwrap_or(StatusCode::OK), body }))
            }
            Claim::Mismatch => Err(Problem::new(
                ProblemKind::IdempotencyKeyReused,
                "this key was sent with another body within the last 24 hours",
            )
            .at("Idempotency-Key")),
        }
    }

    pub(super) async fn keep(&self, db: impl PgExecutor<'_>, answer: &Answer) -> Result<()> {
        let status = answer.status.as_u16().cast_signed();
        idempotency::keep(db, &self.scope, &self.text, status, &answer.body).await?;
        Ok(())
    }
}
