//! The manifests of the workspace: one version table, one set of lints.

use super::{none, read, tracked};

fn members() -> Vec<(String, String)> {
    tracked()
        .into_iter()
        .filter(|(path, _)| path.ends_with("/Cargo.toml") && !path.starts_with("fuzz/"))
        .collect()
}

#[test]
fn every_crate_inherits_the_lints() {
    let own: Vec<_> = members()
        .into_iter()
        .filter(|(_, text)| !text.contains("[lints]\nworkspace = true"))
        .map(|(path, _)| path)
        .collect();
    none(&own, "these manifests lack `[lints] workspace = true`:");
}

#[test]
fn every_crate_inherits_edition_licence_and_version() {
    let mut complaints = Vec::new();
    for (path, text) in members() {
        for field in ["version", "edition", "rust-version", "license", "publish"] {
            if !text.contains(&format!("\n{field}.workspace = true")) {
                complaints.push(format!("{path}: {field}"));
            }
        }
    }
    none(&complaints, "these fields come from the workspace:");
}

#[test]
fn versions_stand_in_one_table() {
    let mut complaints = Vec::new();
    for (path, text) in members() {
        let mut inside = false;
        for line in text.lines() {
            if line.starts_with('[') {
                inside = line.ends_with("dependencies]");
            } else if inside && line.contains('=') && !line.contains("workspace = true") {
                complaints.push(format!("{path}: {line}"));
            }
        }
    }
    none(&complaints, "a dependency is `name.workspace = true`; its version stands in the root manifest:");
}

#[test]
fn unsafe_code_is_forbidden() {
    assert!(read("Cargo.toml").contains("unsafe_code = \"forbid\""));
}
