//! The measurements, a module each; which budget each belongs to stands in its rows.

mod core;
mod memory;
mod start;
mod stream;
mod tokens;
mod whole;

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use crate::report::Report;
use crate::site::Gateway;

/// What is measured.
pub(crate) struct Settings {
    /// The native gateway.
    pub(crate) gateway: Gateway,
    /// A million calls where otherwise fewer stand for them.
    pub(crate) full: bool,
}

struct Measurement {
    id: &'static str,
    run: fn(&Settings, &mut Report) -> Result<(), String>,
}

const ALL: &[Measurement] = &[
    Measurement { id: "P1", run: whole::measure },
    Measurement { id: "P2", run: core::measure_whole },
    Measurement { id: "P3", run: stream::measure },
    Measurement { id: "P8", run: tokens::measure },
    Measurement { id: "P10", run: memory::measure },
    Measurement { id: "P12", run: start::measure },
];

/// Measures what is asked for, or everything.
pub(crate) fn run(settings: &Settings, ids: &[String], report: Option<&Path>) -> Result<(), String> {
    let known = || ALL.iter().map(|one| one.id).collect::<Vec<_>>().join(", ");
    if let Some(unknown) = ids.iter().find(|id| ALL.iter().all(|one| one.id != id.as_str())) {
        return Err(format!("nothing is measured for {unknown:?}; there are {}", known()));
    }
    let mut report = Report::new(report)?;
    for one in ALL.iter().filter(|one| ids.is_empty() || ids.iter().any(|id| id == one.id)) {
        (one.run)(settings, &mut report).map_err(|reason| format!("{}: {reason}", one.id))?;
    }
    Ok(())
}

/// Runs the load generator's side of a measurement, which must be over within `limit`.
fn run_load<T>(limit: Duration, load: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("the load generator's runtime: {error}"))?;
    runtime.block_on(async {
        let ended = tokio::time::timeout(limit, load).await;
        ended.unwrap_or_else(|_| Err(format!("it was not over within {} s", limit.as_secs())))
    })
}
