//! Tokens and roles: who may read, work the queue, or change limits.

use std::str::FromStr;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// What a token allows; each role allows what the ones before it do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Role {
    /// Reads.
    Viewer = 1,
    /// Adds, retries and cancels jobs; pauses and resumes queues, schedules and limits.
    Operator = 2,
    /// Changes limits and deletes.
    Admin = 3,
}

/// The tokens of `BELLWETHER_API_TOKENS`: `role:token`, separated by commas. Only their digests
/// are kept.
#[derive(Clone, Default)]
pub struct Tokens(Vec<(Role, [u8; 32])>);

/// Names the part by its place, never by its text: what was mistyped may be the token.
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
        if s.trim().is_empty() {
            return Ok(Self::default());
        }
        let parse = |(i, part): (usize, &str)| {
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
            Ok((role, digest(token)))
        };
        s.split(',').enumerate().map(parse).collect::<Result<_, _>>().map(Self)
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

    /// The highest role that the token has. Takes as long for any token: every one is compared,
    /// by digests of one length.
    pub fn role(&self, token: &str) -> Option<Role> {
        let presented = digest(token);
        let mut highest = 0_u8;
        for (role, known) in &self.0 {
            let role = *role as u8;
            let better = Choice::from(u8::from(role > highest));
            highest.conditional_assign(&role, known.ct_eq(&presented) & better);
        }
        [Role::Viewer, Role::Operator, Role::Admin].into_iter().find(|r| *r as u8 == highest)
    }
}

/// Tells tokens apart where no token may be written: 32 bits of a digest of its own.
pub(crate) fn fingerprint(token: &str) -> String {
    let digest = Sha256::new().chain_update(b"fingerprint:").chain_update(token).finalize();
    digest.iter().take(4).fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_has_its_role_and_the_highest_of_two_counts() {
        let tokens: Tokens = "viewer:v, operator:o:p,admin:a,viewer:a".parse().unwrap();
        assert_eq!(tokens.role("v"), Some(Role::Viewer));
        assert_eq!(tokens.role("o:p"), Some(Role::Operator));
        assert_eq!(tokens.role("a"), Some(Role::Admin));
        assert_eq!(tokens.role(""), None);
        assert_eq!(tokens.role("viewer:v"), None);
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
        ] {
            let error = text.parse::<Tokens>().unwrap_err();
            assert_eq!(error.part, part, "{text}");
            assert!(!error.to_string().contains("hunt"), "{error}");
        }
        assert_eq!(fingerprint("hunter2").len(), 8);
        assert_ne!(fingerprint("hunter2"), fingerprint("hunter3"));
        let tokens: Tokens = "admin:hunter2".parse().unwrap();
        assert!(!format!("{tokens:?}").contains("hunter2"));
    }
}
