//! Marks of the credentials in use, by which two of them can be told apart and none can be
//! recovered.

use std::{collections::BTreeMap, fmt, sync::Arc};

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use crate::{Settings, analyzer::Analyzers, services::Wired};

/// A digest of the address and the credential of each limit key. A key without a credential has the
/// digest of an empty one, which differs from all others.
#[derive(Clone, Default)]
pub(crate) struct Credentials(Arc<BTreeMap<String, [u8; 32]>>);

impl Credentials {
    pub(crate) fn of(settings: &Settings, analyzers: &Analyzers, channels: &[Wired]) -> Self {
        let mut known = BTreeMap::new();
        let mut keep = |key: &str, parts: &[&str]| {
            known.insert(key.to_owned(), digest(parts));
        };
        for (key, access) in &settings.sources {
            keep(key, &[access.base_url.as_str(), access.key.expose_secret()]);
        }
        for (model, analyzer) in settings.models.iter().zip(analyzers.models()) {
            if let Some(key) = analyzer.key() {
                let access = &model.access;
                keep(key, &[access.base_url.as_str(), access.key.expose_secret()]);
            }
        }
        for one in channels {
            let parts: Vec<&str> = one.credential.iter().map(ExposeSecret::expose_secret).collect();
            keep(one.client.key(), &parts);
        }
        Self(Arc::new(known))
    }

    /// A mark of the credential that a limit key is used with: a random salt, and a digest with it.
    pub(crate) fn mark(&self, key: &str) -> String {
        self.under(key, &format!("{:032x}", rand::random::<u128>()))
    }

    /// Returns true if the mark was made of the credential that the key is used with now.
    pub(crate) fn is_marked(&self, key: &str, mark: &str) -> bool {
        let salt = mark.split_once(':').map_or("", |(salt, _)| salt);
        self.under(key, salt) == mark
    }

    fn under(&self, key: &str, salt: &str) -> String {
        let own = self.0.get(key).copied().unwrap_or_default();
        let digest: [u8; 32] = Sha256::new().chain_update(salt).chain_update(own).finalize().into();
        // enough to tell two credentials apart, too little to test guesses with
        let first = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        format!("{salt}:{first:08x}")
    }
}

/// Names only: the digest of a guessable secret would reveal it.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn digest(parts: &[&str]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_with(key: &str) -> Credentials {
        Credentials(Arc::new(BTreeMap::from([("newsapi".to_owned(), digest(&["https://x", key]))])))
    }

    #[test]
    fn a_mark_fits_the_credential_it_was_made_of_and_no_other() {
        let wrong = asked_with("wrong");
        let mark = wrong.mark("newsapi");
        assert!(wrong.is_marked("newsapi", &mark));
        assert!(!asked_with("right").is_marked("newsapi", &mark));
        assert!(!Credentials::default().is_marked("newsapi", &mark), "none is another one");
        assert_ne!(mark, wrong.mark("newsapi"), "each has a salt of its own");
        assert!(
            Credentials::default().is_marked("newsapi", &Credentials::default().mark("newsapi"))
        );
    }

    #[test]
    fn neither_a_mark_nor_a_print_shows_the_credential() {
        let wrong = asked_with("wrong-key-4711");
        let shown = format!("{wrong:?} {}", wrong.mark("newsapi"));
        assert!(!shown.contains("4711"), "{shown}");
    }
}
