//! Finds the PostgreSQL server of this machine.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::account::RunAs;
use crate::{Error, Settings};

/// The oldest major version that runs the schema.
pub(crate) const OLDEST: u32 = 14;

/// A folder with `postgres` and `initdb`, and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The folder.
    pub dir: PathBuf,
    /// Major version: 15, 16, …
    pub major: u32,
}

impl Binaries {
    /// Reads the version of the server in `dir`, by running it as the account.
    pub(crate) fn at(dir: &Path, run_as: &RunAs) -> Result<Self, String> {
        let postgres = dir.join("postgres");
        if !dir.join("initdb").is_file() || !postgres.is_file() {
            return Err("postgres and initdb are not in it".to_owned());
        }
        let output = run_as
            .command(&postgres, Path::new("/"))
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("postgres --version does not run: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let major = major(&text).ok_or_else(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            format!("postgres --version says {:?}", format!("{}{}", text.trim(), said.trim()))
        })?;
        if major < OLDEST {
            return Err(format!("it is version {major}, {OLDEST} or newer is needed"));
        }
        // The folder on PATH may hold links; the server finds its share folder from the real one.
        let dir = fs::canonicalize(&postgres)
            .ok()
            .and_then(|file| file.parent().map(Path::to_owned))
            .filter(|real| real.join("initdb").is_file())
            .unwrap_or_else(|| dir.to_owned());
        Ok(Self { dir, major })
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// Finds a server: the folder in the settings, else the first of PATH, the folders of Debian's,
/// Red Hat's and Alpine's packages and of Homebrew (newest first), and the registry package
/// unpacked beside the data folder (`pg/…/bin`). Data that exists prefers its own major version.
///
/// Runs `postgres --version` of each candidate, so it blocks for some milliseconds.
pub fn find(settings: &Settings) -> Result<Binaries, Error> {
    choose(settings, None, &RunAs::resolve(&settings.data_dir)?)
}

/// As [`find`], preferring the major version that `data` was written by.
pub(crate) fn choose(
    settings: &Settings,
    data: Option<u32>,
    run_as: &RunAs,
) -> Result<Binaries, Error> {
    let out_of_reach =
        |path: PathBuf| Error::BinariesOutOfReach { path, user: run_as.name().to_owned() };
    let reached = |dir: &PathBuf| run_as.reaches(&fs::canonicalize(dir).unwrap_or(dir.clone()));
    if let Some(dir) = &settings.bin {
        if !reached(dir) {
            return Err(out_of_reach(dir.clone()));
        }
        return Binaries::at(dir, run_as)
            .map_err(|reason| Error::BadBinaries { path: dir.clone(), reason });
    }
    let (dirs, private): (Vec<_>, Vec<_>) = candidates(settings).into_iter().partition(reached);
    let none = || private.into_iter().next().map_or(Error::NoBinaries, out_of_reach);
    let mut found = dirs.iter().filter_map(|dir| Binaries::at(dir, run_as).ok());
    let Some(major) = data else { return found.next().ok_or_else(none) };
    let all: Vec<Binaries> = found.collect();
    all.iter()
        .find(|binaries| binaries.major == major)
        .or_else(|| all.first())
        .cloned()
        .ok_or_else(none)
}

fn candidates(settings: &Settings) -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = settings
        .path
        .as_deref()
        .map(|path| std::env::split_paths(path).collect())
        .unwrap_or_default();
    dirs.extend(newest_first("/usr/lib/postgresql", "").into_iter().map(|dir| dir.join("bin")));
    dirs.extend(newest_first("/usr", "pgsql-").into_iter().map(|dir| dir.join("bin")));
    dirs.extend(newest_first("/usr/libexec", "postgresql"));
    for homebrew in ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"] {
        dirs.extend(newest_first(homebrew, "postgresql").into_iter().map(|dir| dir.join("bin")));
    }
    if let Some(beside) = settings.data_dir.parent() {
        unpacked(&beside.join("pg"), 5, &mut dirs);
    }
    dirs.retain(|dir| dir.join("postgres").is_file());
    dirs
}

/// Sub-folders of `parent` whose names start with `prefix`, the highest version first.
fn newest_first(parent: &str, prefix: &str) -> Vec<PathBuf> {
    let mut dirs: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let rest = name.to_str()?.strip_prefix(prefix)?.trim_start_matches(['@', '-']);
            let version = if rest.is_empty() { 0 } else { leading_number(rest)? };
            Some((version, entry.path()))
        })
        .collect();
    dirs.sort_by(|a, b| b.cmp(a));
    dirs.into_iter().map(|(_, dir)| dir).collect()
}

/// Folders named `bin` below `dir`, at most `depth` levels down.
fn unpacked(dir: &Path, depth: u32, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_name() == OsStr::new("bin") {
            into.push(path);
        } else if depth > 0 && path.is_dir() {
            unpacked(&path, depth - 1, into);
        }
    }
}

/// The first number of `postgres (PostgreSQL) 15.18 (Debian …)` or `17beta2`.
fn major(version: &str) -> Option<u32> {
    let (_, rest) = version.split_once("(PostgreSQL)")?;
    leading_number(rest.trim_start())
}

fn leading_number(text: &str) -> Option<u32> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    text[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_any_build() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta2"), Some(18));
        assert_eq!(major("mysqld 8"), None);
    }

    #[test]
    fn a_folder_named_by_hand_must_hold_a_server() {
        let dir = tempfile::tempdir().unwrap();
        let settings =
            Settings { bin: Some(dir.path().to_owned()), ..Settings::new(dir.path().join("data")) };
        let error = find(&settings).unwrap_err();
        assert!(error.to_string().contains("holds no PostgreSQL server"), "{error}");
    }

    #[test]
    fn a_package_unpacked_beside_the_data_is_a_candidate() {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("pg/linux-x64/native/bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join("postgres"), "").unwrap();
        let found = candidates(&Settings::new(dir.path().join("postgres")));
        assert!(found.contains(&bin), "{found:?}");
    }
}
