//! What the project promises about its own files and tree, as tests: borders between crates, licences, file sizes, and
//! that the documents name commands that exist.

mod borders;
mod files;
mod licences;
mod manifests;
mod promises;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The clone.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests crate lies in the clone").to_owned()
}

/// A file of the clone, by its path from the root.
fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What a program prints; it must succeed.
fn output(program: &str, args: &[&str]) -> String {
    let ran = Command::new(program)
        .args(args)
        .current_dir(root())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(ran.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap_or_else(|error| panic!("{program} printed no text: {error}"))
}

/// Cargo, of the toolchain that runs these tests.
fn cargo(args: &[&str]) -> String {
    output(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()), args)
}

/// Every text file that is in the repository or would be added to it, by its path from the root, with its text.
fn tracked() -> Vec<(String, String)> {
    output("git", &["ls-files", "--cached", "--others", "--exclude-standard"])
        .lines()
        .filter_map(|path| Some((path.to_owned(), std::fs::read_to_string(root().join(path)).ok()?)))
        .collect()
}

/// Fails with every complaint at once.
fn none(complaints: &[String], what: &str) {
    assert!(complaints.is_empty(), "{what}\n  {}", complaints.join("\n  "));
}
