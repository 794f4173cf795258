//! What builds and runs a Worker, at pinned versions, kept in the cache folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::workplace::Workplace;
use crate::{run, setup};

/// The version of worker-build; of the same line as the crate `worker`.
const WORKER_BUILD: &str = "0.8.7";

const LONG: Duration = Duration::from_secs(1800);

/// The npm packages of `infra/cloudflare`.
pub(crate) struct Npm {
    pub(super) modules: PathBuf,
}

impl Npm {
    /// A program that a package brings.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.modules.join(".bin").join(name)
    }

    /// Wrangler, which asks nothing and tells nobody.
    pub(crate) fn wrangler(&self, place: &Workplace) -> Command {
        let mut wrangler = place.command(self.program("wrangler"));
        wrangler
            .env("WRANGLER_SEND_METRICS", "false")
            .env("CI", "1")
            .env("CLOUDFLARE_CF_FETCH_ENABLED", "false");
        wrangler
    }
}

/// Wrangler with its workerd, wasm-opt and esbuild by the lock file, linked into the clone so that `npx wrangler` finds
/// them.
pub(crate) fn npm(place: &Workplace) -> Result<Npm, String> {
    let folder = setup::node_modules(place, "infra/cloudflare", "cloudflare")?;
    setup::link(&folder, &place.root.join("node_modules"))?;
    Ok(Npm { modules: folder })
}

/// worker-build, which drives the others.
pub(super) fn worker_build(place: &Workplace) -> Result<PathBuf, String> {
    cargo_tool(place, "worker-build", WORKER_BUILD, "worker-build", &[])
}

/// wasm-bindgen at the very version of the library, because the two share a format.
pub(super) fn wasm_bindgen(place: &Workplace) -> Result<PathBuf, String> {
    let lock =
        fs::read_to_string(place.root.join("Cargo.lock")).map_err(|error| format!("Cargo.lock: {error}"))?;
    let version = locked(&lock, "wasm-bindgen").ok_or("Cargo.lock does not have wasm-bindgen")?;
    cargo_tool(place, "wasm-bindgen-cli", version, "wasm-bindgen", &[])
}

/// The version of a package in a lock file.
fn locked<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    after.split('"').next()
}

/// A program from crates.io at this version, with these options of `cargo install`: built once, some minutes.
pub(crate) fn cargo_tool(
    place: &Workplace,
    package: &str,
    version: &str,
    program: &str,
    options: &[&str],
) -> Result<PathBuf, String> {
    let home = place.cache.join("tools").join(format!("{package}-{version}"));
    let path = home.join("bin").join(format!("{program}{}", std::env::consts::EXE_SUFFIX));
    if path.is_file() {
        return Ok(path);
    }
    println!("building {package} {version}: some minutes, once");
    let build = home.join("build");
    let made =
        run::silent(install(place, package, version, &home, &build).arg("--locked").args(options), LONG);
    if !made.success {
        // A version that its lock file names can be gone from the registry.
        println!("its own lock file cannot be met ({}); building it with what there is", made.ending);
        run::must(
            &format!("building {package}"),
            install(place, package, version, &home, &build).args(options),
            LONG,
        )?;
    }
    fs::remove_dir_all(&build).map_err(|error| format!("{}: {error}", build.display()))?;
    Ok(path)
}

/// A build without optimisation: it takes a third of the time, and these run for seconds.
fn install(place: &Workplace, package: &str, version: &str, home: &Path, build: &Path) -> Command {
    let mut install = place.cargo();
    install.args(["install", "--debug", "--root"]).arg(home).arg(format!("{package}@{version}"));
    install.env("CARGO_TARGET_DIR", build);
    install
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_locked_version() {
        let lock = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.1\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.9\"\nsource = \"x\"\n";
        assert_eq!(locked(lock, "wasm-bindgen"), Some("0.2.9"));
        assert_eq!(locked(lock, "wasm"), None);
    }
}
