//! The server from outside: data, orphans, ports and processes.

mod safety;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bellwether_postgres::{Error, Server, Settings, discard};
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};

/// A folder that every account can pass through, as a checkout usually is.
fn scratch() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

fn settings(dir: &Path) -> Settings {
    Settings {
        durable: false,
        bin: variable("BELLWETHER_PG_BIN").map(PathBuf::from),
        path: variable("PATH"),
        ..Settings::new(dir.join("postgres"))
    }
}

#[expect(clippy::disallowed_methods, reason = "a test is its own command line")]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

async fn connect(server: &Server) -> PgConnection {
    PgConnection::connect(server.url().expose_secret()).await.unwrap()
}

fn alive(pid: u32) -> bool {
    // A zombie still has its folder in /proc, but no command line.
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

#[tokio::test]
async fn a_restart_keeps_the_data_and_a_stop_leaves_no_process() {
    let dir = scratch();
    let server = Server::start(settings(dir.path())).await.unwrap();
    let mut connection = connect(&server).await;
    sqlx::query("create table kept (n int)").execute(&mut connection).await.unwrap();
    sqlx::query("insert into kept values (42)").execute(&mut connection).await.unwrap();
    let pid = server.pid().unwrap();
    let password = fs::metadata(server.data_dir().join("password")).unwrap();
    assert_eq!(password.permissions().mode() & 0o777, 0o600);

    let second = Server::start(settings(dir.path())).await.unwrap_err();
    assert!(matches!(second, Error::InUse { pid: Some(_), .. }), "{second}");

    server.stop().await.unwrap();
    assert!(!alive(pid), "the server is still there");

    let server = Server::start(settings(dir.path())).await.unwrap();
    let mut connection = connect(&server).await;
    let kept: i32 =
        sqlx::query_scalar("select n from kept").fetch_one(&mut connection).await.unwrap();
    assert_eq!(kept, 42);
    server.stop().await.unwrap();
}

/// Not a test of its own: the process that the next test kills.
#[tokio::test]
#[ignore = "started by another test, which kills it"]
async fn holds_a_server_until_it_is_killed() {
    let dir = PathBuf::from(variable("HOLD_DIR").unwrap());
    let mut settings = settings(&dir);
    settings.bin = variable("HOLD_BIN").map(PathBuf::from).or(settings.bin);
    let server = Server::start(settings).await.unwrap();
    let mut connection = connect(&server).await;
    sqlx::query("create table survivor as select 7 as n").execute(&mut connection).await.unwrap();
    fs::write(dir.join("held"), server.pid().unwrap().to_string()).unwrap();
    std::future::pending::<()>().await;
}

/// Starts a server in another process, with these variables, and kills that process.
async fn abandon(dir: &Path, variables: &[(&str, &str)]) -> u32 {
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holds_a_server_until_it_is_killed", "--ignored", "--nocapture"])
        .env("HOLD_DIR", dir)
        .envs(variables.iter().copied())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let orphan: u32 = loop {
        if let Some(pid) = fs::read_to_string(dir.join("held")).ok().and_then(|t| t.parse().ok()) {
            break pid;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "the parent did not start its server");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    parent.kill().unwrap();
    parent.wait().unwrap();
    orphan
}

#[tokio::test]
async fn a_start_after_the_parent_was_killed_stops_the_orphan_and_keeps_the_data() {
    let dir = scratch();
    let orphan = abandon(dir.path(), &[]).await;
    assert!(alive(orphan), "the server should outlive a parent that was killed");

    let server = Server::start(settings(dir.path())).await.unwrap();
    assert!(!alive(orphan), "the orphan still runs");
    let mut connection = connect(&server).await;
    let n: i32 =
        sqlx::query_scalar("select n from survivor").fetch_one(&mut connection).await.unwrap();
    assert_eq!(n, 7);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_was_killed_itself_recovers() {
    let dir = scratch();
    let mut server = Server::start(settings(dir.path())).await.unwrap();
    let pid = server.pid().unwrap().to_string();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    let error = server.ended().await;
    assert!(matches!(error, Error::Ended { .. }), "{error}");
    assert!(error.to_string().starts_with("PostgreSQL has ended by itself: "), "{error}");
    drop(server);
    let server = Server::start(settings(dir.path())).await.unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_half_made_cluster_and_a_lost_password_are_made_good() {
    let dir = scratch();
    let server = Server::start(settings(dir.path())).await.unwrap();
    let home = server.data_dir().to_owned();
    server.stop().await.unwrap();
    fs::rename(home.join("cluster"), home.join("cluster.new")).unwrap();
    fs::remove_file(home.join("cluster.new/PG_VERSION")).unwrap();
    fs::remove_file(home.join("password")).unwrap();
    let server = Server::start(settings(dir.path())).await.unwrap();
    server.stop().await.unwrap();
    assert!(!home.join("cluster.new").exists());

    fs::remove_file(home.join("password")).unwrap();
    let server = Server::start(settings(dir.path())).await.unwrap();
    connect(&server).await.ping().await.unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_port_that_is_taken_and_data_of_another_version_are_one_line_each() {
    let dir = scratch();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let taken = Settings { port: Some(port), ..settings(dir.path()) };
    let error = Server::start(taken).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("port {port} on 127.0.0.1 is in use; free it or leave the port open")
    );

    let home = dir.path().join("postgres");
    fs::write(home.join("cluster/PG_VERSION"), "99\n").unwrap();
    let error = Server::start(settings(dir.path())).await.unwrap_err();
    assert!(matches!(error, Error::OtherVersion { data: 99, .. }), "{error}");
    assert!(error.to_string().contains("install PostgreSQL 99"), "{error}");
}

#[tokio::test]
async fn a_folder_that_the_account_cannot_reach_is_served_from_elsewhere() {
    let dir = scratch();
    let private = dir.path().join("private");
    fs::create_dir(&private).unwrap();
    fs::set_permissions(&private, fs::Permissions::from_mode(0o700)).unwrap();
    let server = Server::start(settings(&private)).await.unwrap();
    connect(&server).await.ping().await.unwrap();
    let home = server.data_dir().to_owned();
    server.stop().await.unwrap();
    let link = private.join("postgres");
    if home.starts_with("/var/lib/bellwether") {
        assert!(link.is_symlink(), "root finds the data through a link");
    } else {
        assert!(home.starts_with(fs::canonicalize(&private).unwrap()), "an owner keeps the folder");
    }
    discard(&link).unwrap();
    assert!(!home.exists() && !link.exists());
}
