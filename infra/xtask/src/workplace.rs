//! Where the project is, and where its commands keep what they download and build: never inside the clone.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::run;

/// The folders that every command needs.
pub(crate) struct Workplace {
    /// The clone.
    pub(crate) root: PathBuf,
    /// Downloads and tools: `POSTERN_CACHE`, or a folder in the user's cache.
    pub(crate) cache: PathBuf,
    /// Where cargo builds to.
    pub(crate) target: PathBuf,
}

impl Workplace {
    /// Finds the clone that the command was started in.
    pub(crate) fn find() -> Result<Self, String> {
        let metadata = run::must(
            "reading the workspace",
            Command::new(cargo_program()).args(["metadata", "--no-deps", "--format-version", "1"]),
            Duration::from_secs(300),
        )?;
        // Cargo may say something of its own before the document.
        let document = metadata.find("{\"").and_then(|start| metadata.get(start..)).unwrap_or(&metadata);
        let metadata: Value = serde_json::Deserializer::from_str(document)
            .into_iter()
            .next()
            .ok_or("cargo metadata printed nothing")?
            .map_err(|error| format!("cargo metadata: {error}"))?;
        let folder = |key: &str| {
            metadata
                .get(key)
                .and_then(Value::as_str)
                .map(PathBuf::from)
                .ok_or(format!("cargo metadata has no {key}"))
        };
        Ok(Self {
            root: folder("workspace_root")?,
            cache: cache_folder()?,
            target: folder("target_directory")?,
        })
    }

    /// A program that starts at the root of the clone and prints without colours.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env("CARGO_TERM_COLOR", "never").env("NO_COLOR", "1");
        command
    }

    /// Cargo, of the toolchain that built this program.
    pub(crate) fn cargo(&self) -> Command {
        self.command(cargo_program())
    }

    /// Builds the native gateway and gives its path.
    pub(crate) fn gateway(&self, release: bool) -> Result<PathBuf, String> {
        let mut build = self.cargo();
        build.args(["build", "--package", "postern", "--bin", "postern"]);
        if release {
            build.arg("--release");
        }
        run::must("building the gateway", &mut build, Duration::from_secs(3000))?;
        let folder = self.target.join(if release { "release" } else { "debug" });
        Ok(folder.join(format!("postern{}", env::consts::EXE_SUFFIX)))
    }

    /// A tool by name: of this cache, or of the machine.
    pub(crate) fn tool(&self, name: &str) -> Option<PathBuf> {
        let kept = self.cache.join("tools/bin").join(name);
        if kept.is_file() {
            return Some(kept);
        }
        let path = env::var_os("PATH")?;
        env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
    }
}

fn cargo_program() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

fn cache_folder() -> Result<PathBuf, String> {
    if let Some(folder) = env::var_os("POSTERN_CACHE").filter(|folder| !folder.is_empty()) {
        return std::path::absolute(folder).map_err(|error| format!("POSTERN_CACHE: {error}"));
    }
    let base = env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let base = base.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    base.map(|base| base.join("postern"))
        .ok_or("neither POSTERN_CACHE nor HOME is set: there is no place for downloads".into())
}
