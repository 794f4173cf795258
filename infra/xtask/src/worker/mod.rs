//! The Cloudflare Worker: its build, its size, its deployment. Knows the platform's tools, nothing of the gateway.

mod bench;
mod build;
mod crates;
mod deploy;
mod size;
mod suite;
mod tools;

pub(crate) use bench::command as bench;
pub(crate) use build::built;
pub(crate) use deploy::command as deploy;
pub(crate) use size::command as size;
pub(crate) use suite::suite;
pub(crate) use tools::cargo_tool;

use crate::workplace::Workplace;

/// `cargo xtask build worker`.
pub(crate) fn build_command(place: &Workplace, args: &[String]) -> Result<bool, String> {
    match args {
        [what] if what == "worker" => {
            let built = build::build(place, build::Kind::Deployed)?;
            println!("{}", size::line(place, &built)?);
            Ok(true)
        }
        _ => Err("cargo xtask build worker: builds the Cloudflare Worker into functions/worker/build".into()),
    }
}
