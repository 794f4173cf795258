//! Brings what the suites need and a machine may lack. Each step looks first, takes the easy way where it answers,
//! falls back where it does not, and says what it did. Nothing is written into the clone but a link to node's modules.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::run;
use crate::workplace::Workplace;

/// The version of cargo-deny that is built where the machine has none.
const CARGO_DENY: &str = "0.20.2";
/// The target that the shared crates must build for.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// The packages that the suites of SDKs for Python need.
pub(crate) const SDK_PYTHON: &str = "tests/sdk/python/requirements.txt";

const SHORT: Duration = Duration::from_secs(120);
const LONG: Duration = Duration::from_secs(1800);

/// A Python that has the packages of a list.
pub(crate) struct Python {
    program: PathBuf,
    packages: Option<PathBuf>,
}

impl Python {
    /// The folder of the programs that the packages bring.
    pub(crate) fn programs(&self) -> PathBuf {
        match &self.packages {
            Some(packages) => packages.join("bin"),
            None => self.program.parent().map_or_else(PathBuf::new, Path::to_path_buf),
        }
    }

    /// A command of this Python.
    pub(crate) fn command(&self, place: &Workplace) -> Command {
        let mut command = place.command(&self.program);
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUNBUFFERED", "1");
        if let Some(packages) = &self.packages {
            command.env("PYTHONPATH", packages);
        }
        command
    }
}

/// `cargo xtask setup`: everything ahead of time.
pub(crate) fn command(place: &Workplace) -> Result<bool, String> {
    rust_component(place, "fmt", "rustfmt")?;
    rust_component(place, "clippy", "clippy")?;
    wasm_target(place)?;
    python(place, SDK_PYTHON)?;
    node(place)?;
    cargo_deny(place)?;
    println!("everything is there");
    Ok(true)
}

/// A part of the toolchain that comes with rustup's default profile, but not with its minimal one.
pub(crate) fn rust_component(place: &Workplace, subcommand: &str, component: &str) -> Result<(), String> {
    if run::silent(place.cargo().args([subcommand, "--version"]), SHORT).success {
        return Ok(());
    }
    println!("adding the toolchain's {component}");
    run::must(
        &format!("adding {component} (it can also be installed by the system's package manager)"),
        place.command("rustup").args(["component", "add", component]),
        LONG,
    )
    .map(drop)
}

/// The standard library for wasm32, which no toolchain has from the start.
pub(crate) fn wasm_target(place: &Workplace) -> Result<(), String> {
    let folder = run::must(
        "asking rustc for its libraries",
        place.command("rustc").args(["--print", "target-libdir", "--target", WASM]),
        SHORT,
    )?;
    if Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    println!("adding the target {WASM}");
    run::must(
        &format!("the shared crates must build for {WASM}, and its standard library could not be added"),
        place.command("rustup").args(["target", "add", WASM]),
        LONG,
    )
    .map(drop)
}

/// A Python with the pinned packages: in a virtual environment, or beside the system's own where none can be made
/// (Debian keeps `ensurepip` in a package of its own).
pub(crate) fn python(place: &Workplace, list: &str) -> Result<Python, String> {
    let requirements = place.root.join(list);
    let wanted = fs::read(&requirements).map_err(|error| format!("{}: {error}", requirements.display()))?;
    let home = place.cache.join(format!("python-{:016x}", fingerprint(&[&wanted])));
    let (venv, site) = (home.join("venv/bin/python"), home.join("site"));
    let marker = home.join("complete");
    if !marker.is_file() {
        println!("installing the Python packages of {list} into {}", home.display());
        fresh(&home)?;
        let mut make = place.command("python3");
        make.args(["-m", "venv"]).arg(home.join("venv"));
        let install = |program: &Path| {
            let mut pip = place.command(program);
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
            pip.arg(&requirements);
            pip
        };
        let made = run::silent(&mut make, SHORT);
        if made.success {
            run::must("installing the Python packages", &mut install(&venv), LONG)?;
        } else {
            println!(
                "no virtual environment can be made here ({}); installing into a folder instead",
                made.ending
            );
            let _ = fs::remove_dir_all(home.join("venv"));
            run::must(
                "installing the Python packages (on Debian: apt-get install python3-venv, or python3-pip)",
                install(Path::new("python3")).arg("--target").arg(&site),
                LONG,
            )?;
        }
        fs::write(&marker, "").map_err(|error| format!("{}: {error}", marker.display()))?;
    }
    if venv.is_file() {
        Ok(Python { program: venv, packages: None })
    } else {
        Ok(Python { program: "python3".into(), packages: Some(site) })
    }
}

/// Node's packages by the lock file, linked into `tests/sdk/node`.
pub(crate) fn node(place: &Workplace) -> Result<(), String> {
    let modules = node_modules(place, "tests/sdk/node", "node")?;
    link(&modules, &place.root.join("tests/sdk/node/node_modules"))
}

/// The packages that the lock file in `folder` names, installed into the cache.
pub(crate) fn node_modules(place: &Workplace, folder: &str, name: &str) -> Result<PathBuf, String> {
    let source = place.root.join(folder);
    let read = |file: &str| fs::read(source.join(file)).map_err(|error| format!("{folder}/{file}: {error}"));
    let (package, lock) = (read("package.json")?, read("package-lock.json")?);
    let home = place.cache.join(format!("{name}-{:016x}", fingerprint(&[&package, &lock])));
    let marker = home.join("complete");
    if !marker.is_file() {
        println!("installing the npm packages of {folder} into {}", home.display());
        fresh(&home)?;
        for (file, bytes) in [("package.json", &package), ("package-lock.json", &lock)] {
            fs::write(home.join(file), bytes).map_err(|error| format!("{}: {error}", home.display()))?;
        }
        let mut install = place.command("npm");
        install.current_dir(&home).args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]);
        run::must("installing the npm packages", &mut install, LONG)?;
        fs::write(&marker, "").map_err(|error| format!("{}: {error}", marker.display()))?;
    }
    Ok(home.join("node_modules"))
}

/// The machine's cargo-deny, or one built at the pinned version: some minutes, once.
pub(crate) fn cargo_deny(place: &Workplace) -> Result<PathBuf, String> {
    if let Some(program) = place.tool("cargo-deny") {
        return Ok(program);
    }
    println!("building cargo-deny {CARGO_DENY}: some minutes, once");
    let (tools, build) = (place.cache.join("tools"), place.cache.join("tools/build"));
    let mut install = place.cargo();
    install.args(["install", "--locked", "--root"]).arg(&tools).env("CARGO_TARGET_DIR", &build);
    run::must("building cargo-deny", install.arg(format!("cargo-deny@{CARGO_DENY}")), LONG)?;
    fs::remove_dir_all(&build).map_err(|error| format!("{}: {error}", build.display()))?;
    Ok(tools.join("bin/cargo-deny"))
}

fn fresh(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

/// Makes `at` a link to `to`, whatever was there.
pub(crate) fn link(to: &Path, at: &Path) -> Result<(), String> {
    if fs::read_link(at).is_ok_and(|old| old == to) {
        return Ok(());
    }
    let failed = |error: std::io::Error| format!("linking {}: {error}", at.display());
    match fs::symlink_metadata(at) {
        Ok(old) if old.is_dir() => fs::remove_dir_all(at).map_err(failed)?,
        Ok(_) => fs::remove_file(at).map_err(failed)?,
        Err(_) => {}
    }
    std::os::unix::fs::symlink(to, at).map_err(failed)
}

/// FNV-1a over the parts: names a folder after what was installed into it.
fn fingerprint(parts: &[&[u8]]) -> u64 {
    parts
        .iter()
        .copied()
        .flatten()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_list_of_packages_gets_another_folder() {
        assert_eq!(fingerprint(&[b"openai==1"]), fingerprint(&[b"openai", b"==1"]));
        assert_ne!(fingerprint(&[b"openai==1"]), fingerprint(&[b"openai==2"]));
    }

    #[test]
    fn a_link_is_renewed_whatever_stood_there() {
        let home = std::env::temp_dir().join(format!("xtask-link-{}", std::process::id()));
        fresh(&home).unwrap();
        let at = home.join("node_modules");
        for old in ["one", "two"] {
            link(&home.join(old), &at).unwrap();
            assert_eq!(fs::read_link(&at).unwrap(), home.join(old));
        }
        fs::remove_file(&at).unwrap();
        fs::create_dir(&at).unwrap();
        link(&home, &at).unwrap();
        assert_eq!(fs::read_link(&at).unwrap(), home);
        fs::remove_dir_all(&home).unwrap();
    }
}
