//! The address of a database, and the faults in one.

use std::{str::FromStr, time::Duration};

use anyhow::bail;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    Connection, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};
use url::{Host, Url};

/// Time that the attempt to learn why the pool could not connect may take.
const PATIENCE: Duration = Duration::from_secs(5);
const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Address of a database, and the variable that it came from.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) options: PgConnectOptions,
    variable: &'static str,
}

impl Address {
    /// Parses an address. A parser's error may repeat the URL, and with it the password, so it is
    /// not shown.
    pub(crate) fn parse(variable: &'static str, url: &SecretString) -> anyhow::Result<Self> {
        let text = url.expose_secret();
        if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            bail!(
                "{variable} is not an address like postgres://user:password@host:5432/database: \
                 Bellwether works on PostgreSQL"
            );
        }
        match PgConnectOptions::from_str(text) {
            Ok(options) => Ok(Self { options: options.application_name("bellwether"), variable }),
            Err(_) => bail!("{variable}: {}", fault(text)),
        }
    }

    /// Warns that the connection can be read or changed by others on its way.
    pub(crate) fn warn_of_plain_text(&self) {
        let demands_tls = matches!(
            self.options.get_ssl_mode(),
            PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull
        );
        if !demands_tls && !is_local(&self.options) {
            tracing::warn!(
                "{}: the connection to {} may be unencrypted; add sslmode=verify-full with \
                 sslrootcert, or at least sslmode=require",
                self.variable,
                self.options.get_host()
            );
        }
    }

    /// Connects once, to learn why a pool could not, whose error is a time-out only. `None` if the
    /// connection succeeds now.
    pub(crate) async fn fault(&self) -> Option<String> {
        // without the settings of a session, which a transaction pooler refuses
        let options = self.options.clone().extra_float_digits(None);
        let connected = tokio::time::timeout(PATIENCE, PgConnection::connect_with(&options)).await;
        let why = match connected {
            Ok(Ok(connection)) => {
                connection.close().await.ok();
                return None;
            }
            Ok(Err(sqlx::Error::Database(e))) => {
                return Some(format!("{} refuses the connection: {}", self.place(), e.message()));
            }
            Ok(Err(sqlx::Error::Io(e))) => e.to_string(),
            Ok(Err(e)) => e.to_string(),
            Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
        };
        Some(format!("cannot reach {}: {why}", self.place()))
    }

    fn place(&self) -> String {
        let options = &self.options;
        match options.get_socket() {
            Some(socket) => format!("{} ({})", socket.display(), self.variable),
            None => format!("{}:{} ({})", options.get_host(), options.get_port(), self.variable),
        }
    }
}

fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let loopback = match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost",
        Ok(Host::Ipv4(ip)) => ip.is_loopback(),
        Ok(Host::Ipv6(ip)) => ip.is_loopback(),
        Err(_) => host == "::1",
    };
    options.get_socket().is_some() || host.starts_with('/') || loopback
}

/// The fault in an address that cannot be parsed, without any part of the address.
fn fault(text: &str) -> String {
    let Ok(url) = Url::parse(text) else {
        return "it cannot be read; in a user and a password, signs such as @ : / ? # % are \
                percent-encoded (@ as %40, / as %2F)"
            .to_owned();
    };
    let mode = url.query_pairs().find(|(name, _)| matches!(&**name, "sslmode" | "ssl-mode"));
    if mode.is_some_and(|(_, mode)| !SSL_MODES.contains(&&*mode.to_lowercase())) {
        return format!("sslmode is one of {}", SSL_MODES.join(", "));
    }
    "it is not an address like postgres://user:password@host:5432/database".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        let parsed = Address::parse("DATABASE_URL", &url.to_owned().into());
        parsed.err().unwrap_or_else(|| panic!("{url} was taken")).to_string()
    }

    #[test]
    fn a_wrong_address_is_reported_by_its_fault_and_never_repeated() {
        for (url, said) in [
            ("mysql://u:hunter2@h/d", "works on PostgreSQL"),
            ("postgres://u:hunter2@h/d?sslmode=on", "sslmode is one of disable, allow"),
            ("postgres://u:hunter2@ss:w/rd@h/d", "percent-encoded"),
        ] {
            let error = refused(url);
            assert!(error.starts_with("DATABASE_URL") && error.contains(said), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn loopback_and_sockets_are_local() {
        for (url, local) in [
            ("postgres://u@localhost/d", true),
            ("postgres://u@127.0.0.9/d", true),
            ("postgres://u@[::1]/d", true),
            ("postgres:///d?host=/run/postgresql", true),
            ("postgres://u@10.0.0.1/d", false),
            ("postgres://u@db.example.com/d", false),
        ] {
            let address = Address::parse("DATABASE_URL", &url.to_owned().into()).unwrap();
            assert_eq!(is_local(&address.options), local, "{url}");
        }
    }
}
