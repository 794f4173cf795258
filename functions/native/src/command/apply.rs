//! `postern apply`: puts a configuration file in force on a running gateway.

use http::Method;
use serde_json::Value;

use super::block_on;
use super::remote::Remote;
use crate::cli::ApplyArgs;
use crate::document;
use crate::failure::Failure;
use crate::output;

/// Checks the file here, where its lines are known, and sends it.
///
/// # Errors
/// When it has problems, or the gateway refuses it.
pub(crate) fn run(args: &ApplyArgs) -> Result<(), Failure> {
    let loaded = document::load(&args.file).map_err(|problems| Failure::new(problems.join("\n")))?;
    for warning in &loaded.warnings {
        eprintln!("{warning}");
    }
    let remote = Remote::new(&args.remote, args.to.as_deref())?;
    block_on(async {
        let _warnings: Value = remote.send(Method::PUT, "config", Some(&loaded.value)).await?;
        output::print(|out| writeln!(out, "{} is in force at {}", args.file.display(), remote.url()))
    })
}
