//! How far a port is open: by the address it listens on and the tokens it has.

use std::net::{IpAddr, SocketAddr};

use axum::http::uri::Authority;

use crate::{Service, Tokens};

/// What a port answers, and to whom.
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
#[error(
    "refusing to serve the API on {addr} without tokens: set BELLWETHER_API_TOKENS \
     (for example operator:<a long random text>) or listen on 127.0.0.1"
)]
pub struct ExposureError {
    pub addr: SocketAddr,
}

/// Without tokens on an address that others can reach, the API refuses to start, and a worker's
/// port answers for its health only.
pub fn check_exposure(
    addr: SocketAddr,
    tokens: &Tokens,
    service: Service,
) -> Result<Exposure, ExposureError> {
    if !tokens.is_empty() {
        Ok(Exposure::Guarded)
    } else if addr.ip().to_canonical().is_loopback() {
        Ok(Exposure::Open)
    } else if service == Service::Api {
        Err(ExposureError { addr })
    } else {
        Ok(Exposure::HealthOnly)
    }
}

/// Whether a `Host` names this machine. Another name that resolves to it is how a foreign page
/// would reach a port on loopback.
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

/// Whether an `Origin` is a page of this machine.
pub(crate) fn is_local_origin(origin: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .find_map(|scheme| origin.strip_prefix(scheme))
        .is_some_and(is_local_host)
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
        assert_eq!(check_exposure(any, &none, Service::Api), Err(ExposureError { addr: any }));
        assert_eq!(check_exposure(any, &none, Service::Scraper), Ok(Exposure::HealthOnly));
        assert_eq!(check_exposure(any, &some, Service::Api), Ok(Exposure::Guarded));
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
