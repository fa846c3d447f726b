//! The server that another process runs on a folder.

use std::{fs, path::Path};

use rustix::process::{Pid, test_kill_process};
use secrecy::SecretString;

use crate::{Settings, cluster::NAME};

/// The address of the server that a live process runs on the settings' folder, for a second
/// command beside it. `None` where nobody does, or where this user may not read its password.
pub async fn running(settings: &Settings) -> Option<SecretString> {
    let home = settings.data_dir.clone();
    tokio::task::spawn_blocking(move || url(&home)).await.ok().flatten()
}

fn url(home: &Path) -> Option<SecretString> {
    // The lock's holder is who uses the folder; a server without one is an orphan, not to be used.
    let lock = fs::File::open(home.join("bellwether.lock")).ok()?;
    if !matches!(lock.try_lock_shared(), Err(fs::TryLockError::WouldBlock)) {
        return None;
    }
    let pid_file = fs::read_to_string(home.join("cluster/postmaster.pid")).ok()?;
    let mut lines = pid_file.lines();
    let pid: i32 = lines.next()?.trim().parse().ok()?;
    test_kill_process(Pid::from_raw(pid)?).ok()?;
    let port: u16 = lines.nth(2)?.trim().parse().ok()?;
    let password = fs::read_to_string(home.join("password")).ok()?;
    Some(format!("postgres://{NAME}:{}@127.0.0.1:{port}/{NAME}", password.trim()).into())
}
