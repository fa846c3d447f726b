//! Addresses to which a client may send its requests, and with them its secrets.

use std::{io, net::SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{error::ConfigError, place::Place};

/// Values that mean no key.
const NO_KEYS: [&str; 3] = ["", "none", "sandbox"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// A key leaves this machine by https only.
    Vendor,
    /// As a vendor, but http with a key is allowed on a private network, with a warning.
    OwnServer,
    /// https, or http on this machine; never a link-local address.
    Receiver,
}

/// Refuses a base address to which a request must not be sent.
pub(super) fn check(
    provider: &'static str,
    base: &Url,
    secrets: &[SecretString],
    reach: Reach,
) -> Result<(), ConfigError> {
    let refuse = |problem: &str| Err(ConfigError { setting: provider, problem: problem.into() });
    let place = Place::of(base);
    if reach == Reach::Receiver && place == Place::LinkLocal {
        return refuse("a link-local address is refused: clouds serve a machine's keys there");
    }
    if base.scheme() != "http" || place == Place::Loopback {
        return Ok(());
    }
    let has_secret = base.password().is_some()
        || secrets.iter().any(|key| !NO_KEYS.contains(&key.expose_secret()));
    match (reach, place) {
        (Reach::Receiver, _) => refuse("the address must be https, or http on this machine"),
        (_, _) if !has_secret => Ok(()),
        (Reach::OwnServer, Place::Private | Place::LinkLocal) => {
            let host = base.host_str().unwrap_or_default();
            tracing::warn!(
                provider,
                "the key goes to {host} in clear: use an https address, or remove the key"
            );
            Ok(())
        }
        (Reach::OwnServer, _) => refuse(
            "the key would cross the internet in clear: the base address must be https, or lead to \
             this machine or a private network",
        ),
        (Reach::Vendor, _) => refuse(
            "the key would leave this machine in clear: the base address must be https, or lead to \
             this machine (a sandbox elsewhere takes the key `sandbox`)",
        ),
    }
}

/// An address without its user, password and query.
pub(crate) fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

/// Resolves names as the system does and leaves link-local addresses out. The connection is made to
/// the addresses that it returns, so a name that changes between two look-ups gains nothing.
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Addrs = Box::new(without_link_local(found)?.into_iter());
            Ok(allowed)
        })
    }
}

fn without_link_local(mut found: Vec<SocketAddr>) -> io::Result<Vec<SocketAddr>> {
    found.retain(|address| Place::of_address(address.ip()) != Place::LinkLocal);
    if found.is_empty() {
        return Err(io::Error::other("the name leads to link-local addresses only"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(base: &str, key: &str, reach: Reach) -> Result<(), String> {
        let base = Url::parse(base).unwrap();
        check("x", &base, &[key.into()], reach).map_err(|error| error.to_string())
    }

    #[test]
    fn a_vendors_key_leaves_this_machine_by_https_only() {
        for base in
            ["http://proxy.example/v1", "http://10.0.0.7", "http://proxy", "http://[fe80::1]"]
        {
            let refused = verdict(base, "real-key-4711", Reach::Vendor).unwrap_err();
            assert!(
                refused.starts_with("x: the key would leave this machine"),
                "{base}: {refused}"
            );
        }
        for base in ["https://proxy.example", "http://127.0.0.1:4010/x", "http://localhost:1"] {
            assert_eq!(verdict(base, "real-key-4711", Reach::Vendor), Ok(()), "{base}");
        }
        for key in ["", "none", "sandbox"] {
            assert_eq!(verdict("http://sandbox-service:4010/gemini", key, Reach::Vendor), Ok(()));
        }
        let login = "http://me:word@proxy.example";
        assert!(verdict(login, "sandbox", Reach::Vendor).is_err());
    }

    #[test]
    fn a_server_of_ones_own_may_stand_on_a_private_network() {
        for base in [
            "http://192.168.1.20:11434/v1",
            "http://[fd12::5]:8000/v1",
            "http://169.254.7.7/v1",
            "http://nas.local/v1",
            "http://ollama.ai.svc:11434/v1",
            "http://ollama:11434/v1",
        ] {
            assert_eq!(verdict(base, "real-key-4711", Reach::OwnServer), Ok(()), "{base}");
        }
        assert!(verdict("http://llm.example/v1", "real-key-4711", Reach::OwnServer).is_err());
        assert_eq!(verdict("http://llm.example/v1", "none", Reach::OwnServer), Ok(()));
    }

    #[test]
    fn a_webhook_never_goes_to_a_link_local_address() {
        for base in [
            "http://169.254.169.254/latest/meta-data",
            "https://169.254.169.254/latest/meta-data",
            "https://[fe80::1]/x",
            "https://[::ffff:169.254.169.254]/x",
        ] {
            let refused = verdict(base, "x", Reach::Receiver).unwrap_err();
            assert!(refused.contains("link-local"), "{base}: {refused}");
        }
        let here: SocketAddr = "93.184.216.34:0".parse().unwrap();
        let metadata: SocketAddr = "169.254.169.254:0".parse().unwrap();
        assert_eq!(without_link_local(vec![metadata, here]).unwrap(), [here]);
        assert!(without_link_local(vec![metadata]).is_err());
    }

    #[test]
    fn an_address_is_shown_without_its_login_and_its_query() {
        let url = Url::parse("https://me:word@proxy.example:8443/v1?key=1").unwrap();
        assert_eq!(shown(&url), "https://proxy.example:8443/v1");
    }
}
