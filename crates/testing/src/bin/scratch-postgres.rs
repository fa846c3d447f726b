//! Runs a command beside a PostgreSQL that exists as long as the command does.
//!
//! `scratch-postgres cargo nextest run` sets `TEST_DATABASE_URL` for the command and ends with
//! its exit code. The data lies in the folder for temporary files and goes with the server.
//!
//! `--apply DIR` (again for each folder, in order) runs the folder's migrations first and sets
//! `DATABASE_URL` too: a database with the tables, for whatever checks statements against it.
//! `--apply SCHEMA=DIR` makes a schema for them first.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use bellwether_postgres::{Server, Settings, discard, find};
use rustix::process::{Pid, Signal, kill_process};
use secrecy::ExposeSecret;
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};

const PREFIX: &str = "bellwether-scratch-";

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1).peekable();
    let mut migrations = Vec::new();
    while args.next_if(|arg| arg == "--apply").is_some() {
        migrations.extend(args.next().and_then(|folder| folder.into_string().ok()));
    }
    let Some(program) = args.next() else {
        eprintln!("usage: scratch-postgres [--apply [SCHEMA=]DIR]… COMMAND [ARG]…");
        return ExitCode::from(2);
    };
    let mut command = Command::new(&program);
    command.args(args);
    match run(command, &migrations).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("scratch-postgres: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a program of its own, with no settings but these")]
fn settings(dir: &Path) -> Settings {
    Settings {
        durable: false,
        max_connections: 300,
        bin: std::env::var_os("BELLWETHER_PG_BIN").map(PathBuf::from).or_else(unpacked),
        path: std::env::var_os("PATH"),
        ..Settings::new(dir.join("postgres"))
    }
}

/// The server that this checkout has found or unpacked for itself, looked for from here upwards.
#[expect(clippy::disallowed_methods, reason = "as above")]
fn unpacked() -> Option<PathBuf> {
    let data = std::env::var_os("BELLWETHER_DATA_DIR").unwrap_or_else(|| ".bellwether".into());
    let here = std::env::current_dir().ok()?;
    here.ancestors()
        .map(|dir| dir.join(&data))
        .filter(|dir| dir.join("pg").is_dir())
        .find_map(|dir| find(&Settings::new(dir.join("postgres"))).ok())
        .map(|binaries| binaries.dir)
}

async fn run(
    mut command: Command,
    migrations: &[String],
) -> Result<u8, Box<dyn std::error::Error>> {
    // From here on a signal stops the command and then the server, never the server alone.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    sweep();
    let dir = std::env::temp_dir().join(format!("{PREFIX}{}", std::process::id()));
    fs::create_dir_all(&dir)?;
    // Root's server runs as another user, who has to pass through.
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o711))?;
    let server = Server::start(settings(&dir)).await?;
    let url = server.url();
    command.env("TEST_DATABASE_URL", url.expose_secret());
    // Tests that start servers of their own need not search again.
    command.env("BELLWETHER_PG_BIN", &server.binaries().dir);
    if !migrations.is_empty() {
        command.env("DATABASE_URL", url.expose_secret());
    }
    let code = match apply(migrations, url.expose_secret()).await {
        Err(error) => Err(error),
        Ok(()) => match command.spawn() {
            Ok(child) => follow(child, &mut interrupt, &mut terminate, &mut hang_up)
                .await
                .map(code)
                .map_err(Into::into),
            Err(error) => {
                let program = command.as_std().get_program().display();
                eprintln!("scratch-postgres: {program}: {error}");
                Ok(127)
            }
        },
    };
    server.stop().await?;
    fs::remove_dir_all(&dir)?;
    code
}

/// Runs every migration of the folders in order. Nothing is recorded: the database is for once.
async fn apply(folders: &[String], url: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut connection = PgConnection::connect(url).await?;
    for folder in folders {
        let (schema, folder) = folder.split_once('=').unwrap_or(("public", folder));
        let create = format!("create schema if not exists \"{schema}\"");
        connection.execute(AssertSqlSafe(create)).await?;
        let migrator = Migrator::new(Path::new(folder)).await?;
        for migration in migrator.iter().filter(|one| one.migration_type.is_up_migration()) {
            connection
                .execute(migration.sql.clone())
                .await
                .map_err(|error| format!("{folder} {}: {error}", migration.version))?;
        }
    }
    connection.close().await?;
    Ok(())
}

/// Waits for the command. The terminal sends a Ctrl-C to the command as well, so it is not passed
/// on; other signals reach this process alone and are.
async fn follow(
    mut child: Child,
    interrupt: &mut Signals,
    terminate: &mut Signals,
    hang_up: &mut Signals,
) -> io::Result<ExitStatus> {
    let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
    let pass_on = |signal| pid.map(|pid| kill_process(pid, signal));
    loop {
        tokio::select! {
            status = child.wait() => return status,
            _ = interrupt.recv() => {}
            _ = terminate.recv() => { pass_on(Signal::TERM); }
            _ = hang_up.recv() => { pass_on(Signal::HUP); }
        }
    }
}

/// As a shell counts: 128 and the number of the signal that ended the command.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

/// Removes what a killed run left: its server too, if it still runs.
fn sweep() {
    let a_minute = Duration::from_mins(1);
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        // A young one may belong to a run that has not taken its folder yet.
        let old = entry
            .metadata()
            .and_then(|found| found.modified())
            .is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > a_minute));
        if ours && old && discard(&entry.path().join("postgres")).is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
