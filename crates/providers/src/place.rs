//! Classifies an address: this machine, a private network, a link-local address or the internet.

use std::net::{IpAddr, Ipv6Addr};

use url::Url;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Loopback,
    /// 169.254.0.0/16 and fe80::/10, where clouds serve a machine's credentials.
    LinkLocal,
    /// An address or a name that no public network routes or resolves.
    Private,
    Public,
}

/// The metadata service of AWS on IPv6, whose address is a private one.
const METADATA: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254));
/// Ends of names that the public DNS does not hold.
const PRIVATE_NAMES: [&str; 5] = [".local", ".svc", ".internal", ".home.arpa", ".lan"];

impl Place {
    pub(crate) fn of(url: &Url) -> Self {
        Self::of_host(url.host_str().unwrap_or_default())
    }

    /// `host` is a name or an address, in brackets or not. Names are classified by their endings
    /// and never resolved.
    pub(crate) fn of_host(host: &str) -> Self {
        let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
        match host.parse::<IpAddr>() {
            Ok(address) => Self::of_address(address),
            Err(_) if host == "localhost" || host.ends_with(".localhost") => Self::Loopback,
            Err(_) if PRIVATE_NAMES.iter().any(|end| host.ends_with(end)) => Self::Private,
            // one label, which only a search domain or a hosts file completes
            Err(_) if !host.is_empty() && host.bytes().all(is_of_label) && !is_number(&host) => {
                Self::Private
            }
            Err(_) => Self::Public,
        }
    }

    pub(crate) fn of_address(address: IpAddr) -> Self {
        let address = address.to_canonical();
        if address.is_loopback() {
            return Self::Loopback;
        }
        let (link_local, private) = match address {
            IpAddr::V4(v4) => {
                let [a, b, ..] = v4.octets();
                // 100.64.0.0/10 is shared address space: carriers and overlay networks
                (v4.is_link_local(), v4.is_private() || (a == 100 && b & 0xc0 == 64))
            }
            IpAddr::V6(v6) => {
                (v6.is_unicast_link_local() || address == METADATA, v6.is_unique_local())
            }
        };
        match (link_local, private) {
            (true, _) => Self::LinkLocal,
            (_, true) => Self::Private,
            _ => Self::Public,
        }
    }
}

fn is_of_label(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Resolvers read `2130706433` and `0x7f000001` as addresses.
fn is_number(label: &str) -> bool {
    label.starts_with("0x") || label.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_here_on_a_private_network_link_local_or_public() {
        for (place, hosts) in [
            (
                Place::Loopback,
                &["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]"][..],
            ),
            (Place::Loopback, &["::ffff:127.0.0.1"]),
            (Place::LinkLocal, &["169.254.169.254", "[fe80::1]", "::ffff:169.254.1.1"]),
            (Place::LinkLocal, &["fd00:ec2::254"]),
            (Place::Private, &["10.1.2.3", "172.16.0.1", "192.168.1.1", "[fd12::1]", "100.64.0.1"]),
            (Place::Private, &["ollama", "nas.local", "ollama.ai.svc", "host.docker.internal"]),
            (Place::Private, &["ollama.ai.svc.cluster.local", "box.home.arpa", "sandbox-service"]),
            (Place::Public, &["example.com", "8.8.8.8", "172.32.0.1", "100.128.0.1", "[2001::1]"]),
            (Place::Public, &["localhost.example", "127.1", "2130706433", "0x7f000001", ""]),
        ] {
            for host in hosts {
                assert_eq!(Place::of_host(host), place, "{host}");
            }
        }
    }
}
