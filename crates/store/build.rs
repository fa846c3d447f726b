//! A new migration is compiled in without touching the code.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
