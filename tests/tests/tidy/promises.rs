//! What the documents and scripts say must be so.

use super::{none, read, root, tracked};

#[test]
fn the_readme_names_the_two_commands() {
    let readme = read("README.md");
    for command in ["cargo run --release", "cargo xtask test"] {
        assert!(readme.contains(command), "README.md must name `{command}`");
    }
    assert!(
        read(".cargo/config.toml").contains("xtask = "),
        "`cargo xtask` is an alias in .cargo/config.toml"
    );
    assert!(
        read("Cargo.toml").contains("default-members = [\"functions/native\"]"),
        "`cargo run` starts the gateway"
    );
}

#[test]
fn continuous_integration_runs_the_test_command() {
    assert!(read(".ci/run").contains("cargo xtask test"));
}

#[test]
fn links_inside_the_documents_lead_somewhere() {
    let mut broken = Vec::new();
    for (path, text) in tracked().iter().filter(|(path, _)| path.ends_with(".md")) {
        let folder = root().join(path).parent().map(ToOwned::to_owned).unwrap_or_default();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            let is_outside = file.is_empty() || file.contains("://") || file.starts_with("mailto:");
            if !is_outside && !folder.join(file).exists() {
                broken.push(format!("{path}: {target}"));
            }
        }
    }
    none(&broken, "no such file:");
}
