//! The server that another process runs on a folder.

use std::{fs, path::Path};

use rustix::fs::OFlags;
use rustix::process::{Pid, test_kill_process};
use secrecy::SecretString;

use crate::{Settings, cluster::NAME, dir::Dir, folder::LOCK, password};

/// Returns true if the settings' folder holds a database, as far as this user may see. Changes
/// nothing.
pub fn has_data(settings: &Settings) -> bool {
    match fs::metadata(settings.data_dir.join("cluster/PG_VERSION")) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
    }
}

/// The address of the server that a live process runs on the settings' folder, for a second
/// command. `None` if no process does, or if this user may not read its password.
pub async fn running(settings: &Settings) -> Option<SecretString> {
    let home = settings.data_dir.clone();
    tokio::task::spawn_blocking(move || url(&home)).await.ok().flatten()
}

fn url(home: &Path) -> Option<SecretString> {
    let home = Dir::open(&fs::canonicalize(home).ok()?).ok()?;
    // the lock's holder uses the folder; a server without one is an orphan and must not be used
    let lock = home.file(LOCK, OFlags::RDONLY).ok()??;
    if !matches!(lock.try_lock_shared(), Err(fs::TryLockError::WouldBlock)) {
        return None;
    }
    let pid_file = home.sub("cluster").ok()??.read("postmaster.pid").ok()??;
    let mut lines = pid_file.lines();
    let pid: i32 = lines.next()?.trim().parse().ok()?;
    test_kill_process(Pid::from_raw(pid)?).ok()?;
    let port: u16 = lines.nth(2)?.trim().parse().ok()?;
    let password = home.read(password::FILE).ok()??;
    let password = password.trim();
    password::fits(password)
        .then(|| format!("postgres://{NAME}:{password}@127.0.0.1:{port}/{NAME}").into())
}
