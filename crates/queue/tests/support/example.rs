//! The examples as programs.

use std::{path::PathBuf, process::Command};

/// A built example, to be run.
pub(crate) fn example(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).unwrap().join("examples");
    let program: PathBuf = folder.join(name);
    assert!(
        program.is_file(),
        "{} is not built: cargo build --package bellwether-queue --examples",
        program.display()
    );
    Command::new(program)
}
