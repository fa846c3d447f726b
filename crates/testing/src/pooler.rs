//! A `PgBouncer` in transaction mode before a test's database.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpStream;

use crate::{Database, unique, wait_until_within};

/// A running pooler. It ends with the value.
#[derive(Debug)]
pub struct Pooler {
    /// URL of the database through the pooler.
    pub url: String,
    child: Child,
    port: u16,
    database: String,
}

impl Pooler {
    /// Starts a pooler with so many connections to the server. It is as strict as its defaults:
    /// no prepared statement survives a transaction, no unknown startup parameter is let through.
    pub async fn before(database: &Database, connections: u16) -> Self {
        let program = program();
        let port = free_port();
        let config = std::env::temp_dir().join(format!("{}.ini", unique("bellwether-pgbouncer")));
        write(&config, &settings(database, port, connections));
        let mut command = Command::new(&program);
        // it refuses to run as root
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        let child = command
            .arg(&config)
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let url = format!("postgres://anybody@127.0.0.1:{port}/{}", database.name);
        let mut pooler = Self { url, child, port, database: database.name.clone() };
        wait_until_within(Duration::from_secs(10), "the pooler's port", || {
            let ended = pooler.child.try_wait().ok().flatten();
            async move {
                assert!(ended.is_none(), "PgBouncer has ended: {ended:?}");
                TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()
            }
        })
        .await;
        let _ = fs::remove_file(config);
        pooler
    }

    /// URL for a pool or a connection through the pooler.
    pub fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username("anybody")
            .database(&self.database)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn settings(database: &Database, port: u16, connections: u16) -> String {
    let options = database.options();
    let (host, server_port) = (options.get_host(), options.get_port());
    let (user, password) = login(&database.url);
    let password = password.map(|word| format!(" password={word}")).unwrap_or_default();
    format!(
        "[databases]\n\
        * = host={host} port={server_port} user={user}{password}\n\
        [pgbouncer]\n\
        listen_addr = 127.0.0.1\n\
        listen_port = {port}\n\
        unix_socket_dir =\n\
        auth_type = any\n\
        pool_mode = transaction\n\
        default_pool_size = {connections}\n\
        max_client_conn = 500\n\
        log_connections = 0\n\
        log_disconnections = 0\n\
        log_stats = 0\n"
    )
}

/// The user and the password of a URL whose parts need no escapes.
fn login(url: &str) -> (&str, Option<&str>) {
    let login = url.split_once("://").and_then(|(_, rest)| rest.split_once('@'));
    let (login, _) = login.unwrap_or_else(|| panic!("the server's URL names no user"));
    assert!(!login.contains('%'), "a password with escapes is not for tests");
    match login.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (login, None),
    }
}

/// only its owner may read it: it contains the server's password
fn write(path: &Path, text: &str) {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .unwrap_or_else(|error| panic!("no free port: {error}"))
        .port()
}

/// The program named by the test recipes, else the installed one, else the one this checkout has
/// unpacked for itself.
#[expect(clippy::disallowed_methods, reason = "the search path, and the variable of the recipes")]
fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("BELLWETHER_PGBOUNCER") {
        return named.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let here = std::env::current_dir().unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/opt/homebrew/bin".into()])
        .chain(here.ancestors().map(|dir| dir.join(".tools/pgbouncer")))
        .map(|dir| dir.join("pgbouncer"))
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("this test needs PgBouncer: run scripts/pgbouncer.sh"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_read_with_and_without_a_password() {
        assert_eq!(login("postgres://me:word@127.0.0.1:5432/x"), ("me", Some("word")));
        assert_eq!(login("postgres://me@127.0.0.1:5432/x"), ("me", None));
    }
}
