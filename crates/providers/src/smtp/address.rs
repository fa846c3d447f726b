//! An SMTP address: `smtp://user:password@host:port/hello`, `smtps://…`.

use lettre::transport::smtp::{authentication::Credentials, extension::ClientId};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::place::Place;

/// Port at which clients submit mail, by STARTTLS.
const SUBMISSION: u16 = 587;

/// Encryption of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    None,
    Opportunistic,
    StartTls,
    Wrapper,
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) hello: ClientId,
    login: Option<(String, SecretString)>,
}

impl Server {
    /// Returns the server, and the secrets that its errors must not show. A login to another
    /// machine requires TLS, and so does port 587.
    pub(super) fn parse(address: &SecretString) -> Result<(Self, Vec<SecretString>), &'static str> {
        let url = Url::parse(address.expose_secret()).map_err(|_| "the address is not one")?;
        let host =
            url.host_str().filter(|host| !host.is_empty()).ok_or("the address has no host")?;
        let hello = match url.path().trim_matches('/') {
            "" => ClientId::default(),
            name => ClientId::Domain(name.to_owned()),
        };
        let login = url
            .password()
            .map(|password| (decoded(url.username()), SecretString::from(decoded(password))));
        if login.is_none() && !url.username().is_empty() {
            return Err("the address has a user without a password");
        }
        let is_local = Place::of_host(host) == Place::Loopback;
        let tls = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value);
        let (security, default_port) = match (url.scheme(), tls.as_deref()) {
            ("smtps", None | Some("required")) => (Security::Wrapper, 465),
            ("smtp", Some("required")) => (Security::StartTls, SUBMISSION),
            ("smtp", Some("none" | "opportunistic")) if login.is_some() && !is_local => {
                return Err(
                    "a password needs TLS: leave `tls` out, which demands STARTTLS, or use \
                            smtps://",
                );
            }
            ("smtp", Some("opportunistic")) => (Security::Opportunistic, SUBMISSION),
            ("smtp", None) if url.port() == Some(SUBMISSION) || login.is_some() && !is_local => {
                (Security::StartTls, SUBMISSION)
            }
            ("smtp", None | Some("none")) => (Security::None, 25),
            _ => return Err("the address must be smtp://…, smtp://…?tls=required or smtps://…"),
        };
        let mut secrets = vec![address.clone()];
        if let (Some(raw), Some((_, password))) = (url.password(), &login) {
            secrets.push(SecretString::from(raw.to_owned()));
            secrets.push(password.clone());
        }
        let server = Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(default_port),
            security,
            hello,
            login,
        };
        Ok((server, secrets))
    }

    pub(super) fn credentials(&self) -> Option<Credentials> {
        let (user, password) = self.login.as_ref()?;
        Some(Credentials::new(user.clone(), password.expose_secret().to_owned()))
    }
}

/// Percent-decoding, in which a plus stays a plus.
fn decoded(text: &str) -> String {
    let pair = format!("={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(address: &str) -> Result<Server, &'static str> {
        Server::parse(&SecretString::from(address)).map(|(server, _)| server)
    }

    #[test]
    fn an_address_says_how_private_and_on_which_port() {
        let cases = [
            ("smtp://127.0.0.1:2525", Security::None, 2525),
            ("smtp://mail.example", Security::None, 25),
            ("smtp://mail.example?tls=opportunistic", Security::Opportunistic, 587),
            ("smtp://mail.example?tls=required", Security::StartTls, 587),
            ("smtps://mail.example", Security::Wrapper, 465),
        ];
        for (address, security, port) in cases {
            let server = parse(address).unwrap();
            assert_eq!((server.security, server.port), (security, port), "{address}");
        }
        for wrong in ["smtps://mail.example?tls=none", "smtp://me@mail.example"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(parse("http://mail.example").is_err());
        assert!(parse("smtp://mail.example?tls=perhaps").is_err());
        assert!(parse("nonsense").is_err());
    }

    #[test]
    fn a_login_to_another_machine_demands_tls() {
        let cases = [
            ("smtp://me:word@mail.example", Security::StartTls, 587),
            ("smtp://me:word@mail.example:587", Security::StartTls, 587),
            ("smtp://me:word@mail.example:25", Security::StartTls, 25),
            ("smtp://me:word@10.0.0.7:2525", Security::StartTls, 2525),
            ("smtp://me:word@relay", Security::StartTls, 587),
            ("smtp://me:word@mail.example?tls=required", Security::StartTls, 587),
            ("smtps://me:word@mail.example", Security::Wrapper, 465),
            ("smtp://mail.example:587", Security::StartTls, 587),
            ("smtp://localhost:587", Security::StartTls, 587),
            ("smtp://me:word@127.0.0.1:2525", Security::None, 2525),
            ("smtp://me:word@[::1]", Security::None, 25),
            ("smtp://me:word@localhost?tls=opportunistic", Security::Opportunistic, 587),
            ("smtp://localhost:587?tls=none", Security::None, 587),
        ];
        for (address, security, port) in cases {
            let server = parse(address).unwrap();
            assert_eq!((server.security, server.port), (security, port), "{address}");
        }
        for address in [
            "smtp://me:word@mail.example?tls=none",
            "smtp://me:word@mail.example:587?tls=opportunistic",
            "smtp://me:word@10.0.0.7?tls=none",
        ] {
            assert!(parse(address).unwrap_err().contains("a password needs TLS"), "{address}");
        }
    }

    #[test]
    fn a_password_is_decoded_and_not_shown() {
        let server = parse("smtps://me%40example.org:p%2Fs+w%20%26d@mail.example").unwrap();
        let (user, password) = server.login.as_ref().unwrap();
        assert_eq!(user, "me@example.org");
        assert_eq!(password.expose_secret(), "p/s+w &d");
        assert!(!format!("{server:?}").contains("p/s"), "{server:?}");
    }
}
