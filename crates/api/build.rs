//! Lets a build notice another dashboard: the macro that embeds it sees only files that it knew.

use std::{env, path::Path};

const DASHBOARD: &str = "../../web/dist";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // A debug build reads the files when it is asked for them, once it knows where they are.
    #[expect(clippy::disallowed_methods, reason = "cargo tells a build script this way")]
    let embeds = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if embeds || !Path::new(DASHBOARD).exists() {
        println!("cargo:rerun-if-changed={DASHBOARD}");
    }
}
