//! Clients of outside services: one module, one service.
//!
//! Every function here makes one HTTP request or hands over one message; the one that may make two
//! says so. Each takes a [`Permit`] right before its bytes leave, follows no redirect, and answers
//! with an [`Error`] whose cases lead to different verdicts. No client decides about a retry. The
//! permit is told the cost of an answer, and a failure of the service.
//!
//! A moment that a provider names ("retry at …", "until midnight Pacific") is measured against
//! the `Date` of the same answer: both come from the provider's clock, so ours cannot be wrong.

pub mod alpha_vantage;
mod article;
mod call;
pub mod catalog;
mod error;
pub mod gemini;
pub mod http;
pub mod newsapi;
pub mod openai;
mod permit;
mod place;
mod price;
pub mod reading;
pub mod rss;
pub mod smtp;
mod source;
pub mod twilio;
pub mod webhook;

use std::{fmt, time::Duration};

use secrecy::SecretString;
use url::Url;

pub use article::Article;
pub use error::{ConfigError, Error, Result, Scope, StopReason};
pub use http::install_cryptography;
pub use permit::{Free, Permit, PermitError, Taking};
pub use price::Price;
pub use reading::{Impact, Label, Prompt, Reading, Usage};
pub use source::{
    Analyzer, Bar, Channel, Depth, Message, News, NewsSource, Opinion, Pending, Quote, QuoteSource,
    Sources, Story,
};

/// Every provider, those of one part of the pipeline in order of preference.
pub static PROVIDERS: [&catalog::Entry; 8] = [
    &alpha_vantage::ENTRY,
    &newsapi::ENTRY,
    &rss::ENTRY,
    &gemini::ENTRY,
    &openai::ENTRY,
    &twilio::ENTRY,
    &smtp::ENTRY,
    &webhook::ENTRY,
];

/// Settings of a provider with one key.
#[derive(Clone)]
pub struct Settings {
    /// Base address of its routes: the catalog's, or the sandbox's.
    pub base_url: Url,
    pub key: SecretString,
    /// Time from the first byte sent to the last byte received.
    pub timeout: Duration,
}

/// Without the key, and without the user and password of an address.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("base_url", &http::shown(&self.base_url))
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
