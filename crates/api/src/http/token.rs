//! Tokens and roles.

use std::str::FromStr;

use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};

/// Rights of a token; each role includes those of the roles before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Role {
    /// Reads.
    Viewer = 1,
    /// Adds, retries and cancels jobs; pauses and resumes queues, schedules and limits.
    Operator = 2,
    /// Changes limits and deletes.
    Admin = 3,
}

/// Least length of a token on an address that others can reach.
pub(crate) const LEAST: usize = 24;

/// The tokens of `BELLWETHER_API_TOKENS`: `role:token`, separated by commas. Only their digests
/// are kept.
#[derive(Clone, Default)]
pub struct Tokens(Vec<Token>);

#[derive(Clone)]
struct Token {
    role: Role,
    digest: [u8; 32],
    short: bool,
}

/// Names the part by its place, never by its text: the mistyped text may be the token.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("part {part} of the API tokens {reason}")]
pub struct TokensError {
    pub part: usize,
    pub reason: &'static str,
}

impl Role {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        match s {
            "viewer" => Ok(Self::Viewer),
            "operator" => Ok(Self::Operator),
            "admin" => Ok(Self::Admin),
            _ => Err(()),
        }
    }
}

impl FromStr for Tokens {
    type Err = TokensError;

    fn from_str(s: &str) -> Result<Self, TokensError> {
        let mut tokens: Vec<Token> = Vec::new();
        if s.trim().is_empty() {
            return Ok(Self(tokens));
        }
        for (i, part) in s.split(',').enumerate() {
            let fail = |reason| TokensError { part: i + 1, reason };
            let (role, token) = part
                .trim()
                .split_once(':')
                .ok_or_else(|| fail("has no colon between role and token"))?;
            let role = role
                .trim()
                .parse()
                .map_err(|()| fail("does not begin with viewer:, operator: or admin:"))?;
            if token.is_empty() {
                return Err(fail("has an empty token"));
            }
            if !token.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(fail("has a token with characters that no header can carry"));
            }
            if token.starts_with("change-me") {
                return Err(fail("is the example's: put a long random text in its place"));
            }
            let digest = digest(token);
            if tokens.iter().any(|other| other.digest == digest) {
                return Err(fail("has the token of an earlier part: give each its own"));
            }
            tokens.push(Token { role, digest, short: token.len() < LEAST });
        }
        Ok(Self(tokens))
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} tokens", self.0.len())
    }
}

impl Tokens {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first part whose token is short enough to be guessed, counted from 1.
    pub(crate) fn short_part(&self) -> Option<usize> {
        self.0.iter().position(|token| token.short).map(|i| i + 1)
    }

    /// The role of a token, and the part that holds it, counted from 1. Takes as long for any
    /// token: every one is compared, by digests of one length.
    pub(crate) fn find(&self, token: &str) -> Option<(Role, usize)> {
        let presented = digest(token);
        let mut found = 0_u64;
        for (part, known) in (1..).zip(&self.0) {
            found.conditional_assign(&part, known.digest.ct_eq(&presented));
        }
        let part = usize::try_from(found).ok()?;
        Some((self.0.get(part.checked_sub(1)?)?.role, part))
    }
}

/// A digest by which wrong tokens are distinguished while they are counted.
pub(crate) fn short_digest(token: &str) -> u64 {
    digest(token).iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_has_its_role_and_its_part() {
        let tokens: Tokens = "viewer:v, operator:o:p,admin:a".parse().unwrap();
        assert_eq!(tokens.find("v"), Some((Role::Viewer, 1)));
        assert_eq!(tokens.find("o:p"), Some((Role::Operator, 2)));
        assert_eq!(tokens.find("a"), Some((Role::Admin, 3)));
        assert_eq!(tokens.find(""), None);
        assert_eq!(tokens.find("viewer:v"), None);
        assert!("  ".parse::<Tokens>().unwrap().is_empty());
    }

    #[test]
    fn a_part_that_cannot_be_read_is_named_by_its_place_and_never_printed() {
        for (text, part) in [
            ("hunter2", 1),
            ("viewer:v,hunter2:admin", 2),
            ("viewer:v,,", 2),
            ("admin:", 1),
            ("admin:hunt er2", 1),
            ("viewer:v,operator:change-me-hunter2", 2),
            ("viewer:hunter2,operator:o,admin:hunter2", 3),
        ] {
            let error = text.parse::<Tokens>().unwrap_err();
            assert_eq!(error.part, part, "{text}");
            assert!(!error.to_string().contains("hunt"), "{error}");
        }
        let tokens: Tokens = "admin:hunter2".parse().unwrap();
        assert!(!format!("{tokens:?}").contains("hunter2"));
    }

    #[test]
    fn a_token_of_less_than_24_characters_is_short() {
        let long = "x".repeat(LEAST);
        let tokens: Tokens = format!("viewer:{long},admin:{}", &long[1..]).parse().unwrap();
        assert_eq!(tokens.short_part(), Some(2));
        assert_eq!(format!("viewer:{long}").parse::<Tokens>().unwrap().short_part(), None);
    }
}
