//! A symbol: the exchange's short name of an instrument.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Upper case, `^[A-Z][A-Z0-9.\-]{0,9}$`. Parsing accepts lower case, as users type it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Symbol(String);

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not a symbol: a letter, then at most nine letters, digits, dots or hyphens")]
pub struct InvalidSymbol(pub String);

impl Symbol {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Symbol {
    type Err = InvalidSymbol;

    fn from_str(s: &str) -> Result<Self, InvalidSymbol> {
        let upper = s.trim().to_ascii_uppercase();
        let fits = (1..=10).contains(&upper.len())
            && upper.starts_with(|c: char| c.is_ascii_uppercase())
            && upper
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'.' || b == b'-');
        if fits { Ok(Self(upper)) } else { Err(InvalidSymbol(s.chars().take(40).collect())) }
    }
}

impl TryFrom<String> for Symbol {
    type Error = InvalidSymbol;

    fn try_from(s: String) -> Result<Self, InvalidSymbol> {
        s.parse()
    }
}

impl From<Symbol> for String {
    fn from(symbol: Symbol) -> Self {
        symbol.0
    }
}

impl AsRef<str> for Symbol {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_case_input_is_held_in_upper_case() {
        assert_eq!("brk.b".parse::<Symbol>().unwrap().as_str(), "BRK.B");
        assert_eq!(serde_json::from_str::<Symbol>("\"aapl\"").unwrap().to_string(), "AAPL");
    }

    #[test]
    fn what_no_exchange_would_print_is_refused() {
        for bad in ["", "1A", "TOOLONGSYMB", "A B", "É", "A_B", ".A", "$AAPL"] {
            assert!(bad.parse::<Symbol>().is_err(), "{bad:?} was taken");
        }
    }
}
