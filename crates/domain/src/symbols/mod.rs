//! Finds the companies that a text is about, each with a relevance.
//!
//! A cashtag or a listing on our exchanges is certain (1.0), a full legal name nearly (0.9), a
//! short name counts where the text is about business (0.6), and a bare symbol only where it is no
//! English word. Mentions below [`LINK`] are kept, so that one can see what was passed over.

mod context;
mod dictionary;
mod finder;
mod listing;
mod passing;
mod token;

use serde::{Deserialize, Serialize};

pub use dictionary::{Dictionary, InvalidDictionary};

use crate::Symbol;

/// Relevance from which an article is linked to the symbol.
pub const LINK: f64 = 0.35;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mention {
    pub symbol: Symbol,
    /// 0..=1.
    pub relevance: f64,
}

/// Returns true if a lower-case word is too common to name a company by itself.
pub(crate) fn is_common_word(word: &str) -> bool {
    context::is_common(word)
}
