//! Sets `BELLWETHER_BUILD`, what `--version` prints: the release and, where it is known, the commit.
//!
//! The commit is that of `BELLWETHER_COMMIT`, else of the repository that holds this package. It is
//! read again only after a commit or a checkout.

use std::{path::Path, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=BELLWETHER_COMMIT");
    let release = env!("CARGO_PKG_VERSION");
    #[expect(clippy::disallowed_methods, reason = "a setting of the build, which enters here")]
    let given = std::env::var("BELLWETHER_COMMIT").ok();
    let commit = given.filter(|commit| !matches!(commit.as_str(), "" | "unknown")).or_else(head);
    let build = match commit {
        Some(commit) => format!("{release} ({})", commit.get(..12).unwrap_or(&commit)),
        None => release.to_owned(),
    };
    println!("cargo::rustc-env=BELLWETHER_BUILD={build}");
}

/// The commit that is checked out; `None` without git, or in a tree that git does not track, such
/// as an unpacked archive inside another repository.
fn head() -> Option<String> {
    // the log of HEAD grows with every commit and checkout
    for name in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", name])?;
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    git(&["rev-parse", "HEAD"])
}

fn git(args: &[&str]) -> Option<String> {
    let done = Command::new("git").args(args).output().ok()?;
    let said = String::from_utf8(done.stdout).ok()?;
    done.status.success().then(|| said.trim().to_owned())
}
