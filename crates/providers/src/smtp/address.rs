//! An SMTP address: `smtp://user:password@host:port/hello?tls=required`.

use lettre::transport::smtp::{authentication::Credentials, extension::ClientId};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// How a connection becomes private.
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
    /// The server, and what its errors must not show.
    pub(super) fn parse(address: &SecretString) -> Result<(Self, Vec<SecretString>), &'static str> {
        let url = Url::parse(address.expose_secret()).map_err(|_| "the address is not one")?;
        let tls = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value);
        let (security, port) = match (url.scheme(), tls.as_deref()) {
            ("smtp", None | Some("none")) => (Security::None, 25),
            ("smtp", Some("opportunistic")) => (Security::Opportunistic, 587),
            ("smtp", Some("required")) => (Security::StartTls, 587),
            ("smtps", _) => (Security::Wrapper, 465),
            _ => return Err("the address must be smtp://…, smtp://…?tls=required or smtps://…"),
        };
        let host =
            url.host_str().filter(|host| !host.is_empty()).ok_or("the address has no host")?;
        let hello = match url.path().trim_matches('/') {
            "" => ClientId::default(),
            name => ClientId::Domain(name.to_owned()),
        };
        let login = url
            .password()
            .map(|password| (decoded(url.username()), SecretString::from(decoded(password))));
        let mut secrets = vec![address.clone()];
        if let (Some(raw), Some((_, password))) = (url.password(), &login) {
            secrets.push(SecretString::from(raw.to_owned()));
            secrets.push(password.clone());
        }
        let server = Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(port),
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

/// Percent-decoding, in which a plus is a plus.
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
        assert!(parse("http://mail.example").is_err());
        assert!(parse("smtp://mail.example?tls=perhaps").is_err());
        assert!(parse("nonsense").is_err());
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
