//! The outside world: one module, one service.
//!
//! Every function here makes one HTTP request or hands over one message; the one that may make
//! two says so. Each takes a [`Permit`] right before its bytes leave, follows no redirect, and
//! answers with an [`Error`] whose cases lead to different verdicts. Nothing here decides when to
//! call again. The permit is told what an answer cost and that a service failed.
//!
//! Where a provider names a moment ("retry at …", "until midnight Pacific"), it is measured against
//! the `Date` of the same answer: both come from the provider's clock, so ours cannot be wrong.

pub mod alpha_vantage;
mod article;
mod call;
mod error;
pub mod gemini;
pub mod http;
pub mod newsapi;
pub mod openai;
mod permit;
mod price;
pub mod reading;
pub mod smtp;
pub mod twilio;
pub mod webhook;

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

pub use article::Article;
pub use error::{ConfigError, Error, Result, Scope, StopReason};
pub use permit::{Free, Permit, PermitError};
pub use price::Price;
pub use reading::{Impact, Label, Prompt, Reading, Usage};

/// What a provider with one key needs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where its routes begin: the module's `BASE_URL`, or the sandbox.
    pub base_url: Url,
    pub key: SecretString,
    /// From the first byte out to the last byte in.
    pub timeout: Duration,
}
