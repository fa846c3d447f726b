//! The catalog: one entry a provider, which limits, options, notices and services derive from.

use std::time::Duration;

pub use crate::PROVIDERS as ALL;
use crate::{Analyzer, ConfigError, Price, Settings, Sources};

/// Time limit of a call.
pub const TIMEOUT: Duration = Duration::from_secs(20);
/// Time limit of a call to a model.
pub const MODEL_TIMEOUT: Duration = Duration::from_mins(1);

/// A provider or channel.
#[derive(Debug)]
pub struct Entry {
    /// The name in notices, metrics and limits: the limit key, or the first part of a model's key.
    pub name: &'static str,
    /// Its environment variables begin with it.
    pub prefix: &'static str,
    /// Base address of its routes; `None`: the operator names the server.
    pub base_url: Option<&'static str>,
    /// First segment of its routes in the sandbox.
    pub imitation: &'static str,
    /// The windows of its free plan, or of a plan that suits most servers.
    pub plan: &'static str,
    pub counted: Counted,
    pub timeout: Duration,
    pub serves: Serves,
    /// Effect of being off.
    pub off: &'static str,
}

/// How the provider counts calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// While in flight, and for a window's length after the end.
    Finish,
    /// From the start; a permit is valid for the guard's time.
    Start { guard: Duration },
}

/// The part of the pipeline that a provider serves.
#[derive(Debug, Clone, Copy)]
pub enum Serves {
    /// Prices and, under the same quota, a news feed.
    Market(Connect),
    /// Searches for articles.
    News(Connect),
    /// Publishes feeds that are polled without a key.
    Feeds,
    Models(Models),
    Messages,
}

/// Adds the provider's client to the sources. Makes no network calls.
pub type Connect = fn(&Settings, &mut Sources) -> Result<(), ConfigError>;

/// Makes the client of a model. Makes no network calls.
pub type ConnectModel = fn(&Settings, &str, Price) -> Result<Box<dyn Analyzer>, ConfigError>;

/// Models of one provider.
#[derive(Debug, Clone, Copy)]
pub struct Models {
    pub connect: ConnectModel,
    /// The provider's name in OpenTelemetry's conventions for generative models.
    pub generative: &'static str,
    /// The free plan of a model's family, where it is not the entry's.
    pub plan: fn(&str) -> Option<&'static str>,
}

impl Entry {
    /// The entry of a name.
    pub fn find(name: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|entry| entry.name == name)
    }

    /// One of the provider's environment variables.
    pub fn variable(&self, name: &str) -> String {
        format!("{}_{name}", self.prefix)
    }
}

/// Names identify entries.
impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_provider_has_a_name_of_its_own_and_a_valid_address() {
        let names: BTreeSet<_> = ALL.iter().map(|entry| entry.name).collect();
        assert_eq!(names.len(), ALL.len());
        for entry in ALL {
            assert_eq!(Entry::find(entry.name), Some(entry));
            assert!(
                entry.base_url.is_none_or(|url| url::Url::parse(url).is_ok()),
                "{}",
                entry.name
            );
        }
    }
}
