//! `cargo xtask build lambda`: the function for arm64, as a zip file beside the template.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::workplace::Workplace;
use crate::{run, setup};

/// What builds, at pinned versions.
const PACKAGES: &str = "functions/lambda/requirements.txt";
/// What Lambda's arm64 machines run.
const TARGET: &str = "aarch64-unknown-linux-gnu";
/// The budget of the zip file, bytes.
const LARGEST_ZIP: u64 = 5_000_000;

const LONG: Duration = Duration::from_secs(3600);

/// Builds and says what the zip file weighs.
pub(crate) fn command(place: &Workplace) -> Result<bool, String> {
    let zip = build(place)?;
    let size = fs::metadata(&zip).map_err(|error| format!("{}: {error}", zip.display()))?.len();
    let shown = zip.strip_prefix(&place.root).unwrap_or(&zip);
    println!("{}: {:.2} MB (budget: {} MB)", shown.display(), size as f64 / 1e6, LARGEST_ZIP / 1_000_000);
    Ok(size <= LARGEST_ZIP)
}

/// Builds the function and puts its zip file beside the template, which names it.
pub(super) fn build(place: &Workplace) -> Result<PathBuf, String> {
    let python = setup::python(place, PACKAGES)?;
    target(place)?;
    // cargo-lambda finds zig through the Python that comes first.
    let mut folders = vec![python.programs()];
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let path = std::env::join_paths(folders).map_err(|error| format!("PATH: {error}"))?;
    let mut build = place.cargo();
    build.args(["lambda", "build", "--profile", "dist", "--arm64", "--output-format", "zip"]);
    build.args(["--package", "postern-lambda", "--bin", "bootstrap"]).env("PATH", path);
    println!("building the function for arm64");
    let ran = run::shown(&mut build, LONG);
    if !ran.success {
        return Err(format!("the function could not be built: {}", ran.ending));
    }
    let zip = place.root.join("infra/aws/bootstrap.zip");
    let built = place.target.join("lambda/bootstrap/bootstrap.zip");
    copy(&built, &zip)?;
    Ok(zip)
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(drop).map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}

/// The standard library for arm64.
fn target(place: &Workplace) -> Result<(), String> {
    let mut ask = place.command("rustc");
    let folder = run::must(
        "asking rustc for its libraries",
        ask.args(["--print", "target-libdir", "--target", TARGET]),
        LONG,
    )?;
    if Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    println!("adding the target {TARGET}");
    let mut add = place.command("rustup");
    run::must("the standard library for arm64 could not be added", add.args(["target", "add", TARGET]), LONG)
        .map(drop)
}
