//! Builds the Worker: Rust to wasm, its JavaScript beside it, both as small as they get.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use super::tools;
use crate::workplace::Workplace;
use crate::{run, setup};

const LONG: Duration = Duration::from_secs(3600);

/// What is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What is deployed, into `functions/worker/build`.
    Deployed,
    /// The same with ways in for tests, into the target folder.
    Tested,
}

/// What is deployed, built by the first suite of this run that asks: a build takes half a minute even when nothing has
/// changed.
pub(crate) fn built(place: &Workplace) -> Result<PathBuf, String> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut built = BUILT.lock().map_err(|_| "an earlier build broke")?;
    if built.is_none() {
        *built = Some(build(place, Kind::Deployed)?);
    }
    built.clone().ok_or_else(|| "there is no build".to_owned())
}

/// Builds the Worker and gives the folder with `index.js` and `index_bg.wasm`.
pub(crate) fn build(place: &Workplace, kind: Kind) -> Result<PathBuf, String> {
    setup::wasm_target(place)?;
    let npm = tools::npm(place)?;
    let crate_folder = place.root.join("functions/worker");
    let out = match kind {
        Kind::Deployed => crate_folder.join("build"),
        Kind::Tested => place.target.join("worker-tested"),
    };
    let mut build = place.command(tools::worker_build(place)?);
    build.current_dir(&crate_folder).args(["--profile", "worker", "--out-dir"]);
    // It takes a relative path only.
    build.arg(match kind {
        Kind::Deployed => "build".into(),
        Kind::Tested => relative(&crate_folder, &out),
    });
    if kind == Kind::Tested {
        build.args(["--", "--features", "doors"]);
    }
    build
        .env("CARGO_TARGET_DIR", &place.target)
        .env("WASM_BINDGEN_BIN", tools::wasm_bindgen(place)?)
        .env("WASM_OPT_BIN", npm.program("wasm-opt"))
        .env("ESBUILD_BIN", npm.program("esbuild"));
    run::must("building the Worker", &mut build, LONG)?;
    Ok(out)
}

/// The way from one folder to another, both absolute.
fn relative(from: &std::path::Path, to: &std::path::Path) -> PathBuf {
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| std::path::Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_way() {
        let way = relative("/a/b/c".as_ref(), "/a/x/y".as_ref());
        assert_eq!(way, PathBuf::from("../../x/y"));
    }
}
