//! Exposure of a port: decided by the address that it listens on and the tokens that it has.

use std::net::{IpAddr, SocketAddr};

use axum::http::uri::Authority;

use crate::{Service, Tokens, http::token::LEAST};

/// The routes that a port serves, and to which callers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exposure {
    /// Loopback without tokens: everything, except for requests of other sites.
    Open,
    /// Everything, by token.
    Guarded,
    /// `/health`, `/ready` and `/metrics` only.
    HealthOnly,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExposureError {
    #[error(
        "refusing to serve the API on {addr} without tokens: set BELLWETHER_API_TOKENS \
         (for example operator:<a long random text>) or listen on 127.0.0.1"
    )]
    NoTokens { addr: SocketAddr },
    #[error(
        "refusing to serve on {addr} with a token that can be guessed: part {part} of \
         BELLWETHER_API_TOKENS has less than 24 characters; `openssl rand -hex 16` makes a good one"
    )]
    ShortToken { addr: SocketAddr, part: usize },
}

/// Decides the exposure of a port. Without tokens on an address that other machines can reach, the
/// API refuses to start, and a worker's port serves its health only. A token that can be guessed is
/// refused there as well.
pub fn check_exposure(
    addr: SocketAddr,
    tokens: &Tokens,
    service: Service,
) -> Result<Exposure, ExposureError> {
    let loopback = addr.ip().to_canonical().is_loopback();
    if !tokens.is_empty() {
        match tokens.short_part() {
            Some(part) if !loopback => return Err(ExposureError::ShortToken { addr, part }),
            Some(part) => tracing::warn!(
                "part {part} of BELLWETHER_API_TOKENS has less than {LEAST} characters: it can be guessed"
            ),
            None => {}
        }
        Ok(Exposure::Guarded)
    } else if loopback {
        Ok(Exposure::Open)
    } else if service == Service::Api {
        Err(ExposureError::NoTokens { addr })
    } else {
        Ok(Exposure::HealthOnly)
    }
}

/// Returns true if a `Host` names this machine. A page of another site could reach a port on
/// loopback by a name of its own that resolves to it.
pub(crate) fn is_local_host(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    if authority.as_str().contains('@') {
        return false;
    }
    let name = authority.host().to_ascii_lowercase();
    let name = name.trim_start_matches('[').trim_end_matches(']');
    match name.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical().is_loopback(),
        Err(_) => name == "localhost" || name.ends_with(".localhost"),
    }
}

/// Returns true if an `Origin` is a page of this machine.
pub(crate) fn is_local_origin(origin: &str) -> bool {
    authority(origin).is_some_and(is_local_host)
}

/// Returns true if an `Origin` is the same server that `Host` names.
pub(crate) fn is_origin_of(origin: &str, host: &str) -> bool {
    authority(origin).is_some_and(|origin| origin.eq_ignore_ascii_case(host))
}

fn authority(origin: &str) -> Option<&str> {
    ["http://", "https://"].iter().find_map(|scheme| origin.strip_prefix(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_tokens_only_loopback_is_open() {
        let none = Tokens::default();
        let some: Tokens = "viewer:v".parse().unwrap();
        let local = "127.0.0.1:3000".parse().unwrap();
        let local6 = "[::1]:3000".parse().unwrap();
        let any = "0.0.0.0:3000".parse().unwrap();
        assert_eq!(check_exposure(local, &none, Service::Api), Ok(Exposure::Open));
        assert_eq!(check_exposure(local6, &none, Service::Alert), Ok(Exposure::Open));
        let refused = check_exposure(any, &none, Service::Api);
        assert_eq!(refused, Err(ExposureError::NoTokens { addr: any }));
        assert_eq!(check_exposure(any, &none, Service::Scraper), Ok(Exposure::HealthOnly));
        for service in [Service::Api, Service::Alert] {
            let refused = check_exposure(any, &some, service);
            assert_eq!(refused, Err(ExposureError::ShortToken { addr: any, part: 1 }));
        }
        let long: Tokens = format!("viewer:{}", "v".repeat(LEAST)).parse().unwrap();
        assert_eq!(check_exposure(any, &long, Service::Api), Ok(Exposure::Guarded));
        assert_eq!(check_exposure(local, &some, Service::Api), Ok(Exposure::Guarded));
    }

    #[test]
    fn only_names_of_this_machine_are_local() {
        for host in ["localhost", "LOCALHOST:3000", "127.0.0.1:3000", "[::1]:3000", "a.localhost"] {
            assert!(is_local_host(host), "{host}");
            assert!(is_local_origin(&format!("http://{host}")), "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "",
            "a@localhost",
        ] {
            assert!(!is_local_host(host), "{host}");
            assert!(!is_local_origin(&format!("https://{host}")), "{host}");
        }
        assert!(!is_local_origin("null"));
        assert!(!is_local_origin("file://localhost"));
    }
}
