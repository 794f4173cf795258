//! The manifests of the workspace: one version table, one set of lints.

use super::{none, read, tracked};

fn members() -> Vec<(String, String)> {
    tracked()
        .into_iter()
        .filter(|(path, _)| path.ends_with("/Cargo.toml") && !path.starts_with("fuzz/"))
        .collect()
}

/// Crates whose macros write unsafe code: they repeat the lints, and write none themselves.
const WITH_OWN_LINTS: &[&str] = &["functions/worker/Cargo.toml"];

#[test]
fn every_crate_has_the_lints() {
    let root = read("Cargo.toml");
    let lints: Vec<_> = root
        .split("\n[")
        .filter(|section| section.starts_with("workspace.lints."))
        .flat_map(|section| section.lines().skip(1))
        .filter(|line| line.contains('=') && !line.starts_with("unsafe_code"))
        .collect();
    assert!(lints.len() > 5, "the root manifest has lints: {lints:?}");
    let mut complaints = Vec::new();
    for (path, text) in members() {
        if WITH_OWN_LINTS.contains(&path.as_str()) {
            complaints.extend(
                lints.iter().filter(|lint| !text.contains(*lint)).map(|lint| format!("{path}: {lint}")),
            );
        } else if !text.contains("[lints]\nworkspace = true") {
            complaints.push(format!("{path}: `[lints] workspace = true`"));
        }
    }
    none(&complaints, "these manifests lack lints of the workspace:");
}

#[test]
fn crates_that_may_hold_unsafe_code_write_none() {
    let mut complaints = Vec::new();
    for (path, text) in tracked().iter().filter(|(path, _)| path.ends_with(".rs")) {
        let is_inside = |manifest: &&'static str| path.starts_with(manifest.trim_end_matches("Cargo.toml"));
        if !WITH_OWN_LINTS.iter().any(is_inside) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe") {
                complaints.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none(&complaints, "safe code only:");
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
