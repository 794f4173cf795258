//! `cargo xtask size`: what the Worker weighs, against its budget (P5); with `--crates` what of it belongs to which crate.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::build::{self, Kind};
use super::crates;
use crate::run;
use crate::workplace::Workplace;

/// Bytes that the Worker may have when compressed, as the platform counts them, with the token tables of both encodings. The
/// platform's free plan takes 3 MB.
const BUDGET: u64 = 2_800_000;

/// Builds the Worker and fails when it is too large.
pub(crate) fn command(place: &Workplace, args: &[String]) -> Result<bool, String> {
    match args {
        [] => {}
        [option] if option == "--crates" => {
            crates::print(place)?;
            return Ok(true);
        }
        _ => return Err(format!("size: {args:?} is not known; there is --crates")),
    }
    let built = build::build(place, Kind::Deployed)?;
    println!("{}", line(place, &built)?);
    is_within_budget(place, &built)
}

/// Whether a build is as small as it must be.
pub(crate) fn is_within_budget(place: &Workplace, built: &Path) -> Result<bool, String> {
    Ok(compressed(place, built)? <= BUDGET)
}

/// What there is to say of a build.
pub(crate) fn line(place: &Workplace, built: &Path) -> Result<String, String> {
    let wasm = built.join("index_bg.wasm");
    let raw = fs::metadata(&wasm).map_err(|error| format!("{}: {error}", wasm.display()))?.len();
    Ok(format!(
        "the Worker: {} KB of wasm, {} KB gzipped with its JavaScript (budget {} KB)",
        raw / 1000,
        compressed(place, built)? / 1000,
        BUDGET / 1000
    ))
}

/// Bytes of both files, compressed as well as gzip can.
fn compressed(place: &Workplace, built: &Path) -> Result<u64, String> {
    const SCRIPT: &str = "const { readFileSync } = require('fs'); const { gzipSync } = require('zlib'); \
                          console.log(process.argv.slice(1).reduce((sum, file) => \
                          sum + gzipSync(readFileSync(file), { level: 9 }).length, 0))";
    let mut node: Command = place.command("node");
    node.args(["-e", SCRIPT]).arg(built.join("index_bg.wasm")).arg(built.join("index.js"));
    let printed = run::must("compressing the Worker", &mut node, Duration::from_secs(120))?;
    printed.trim().parse().map_err(|_| format!("node printed {printed:?} instead of a size"))
}
