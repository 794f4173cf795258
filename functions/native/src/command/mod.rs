//! The commands besides `serve`, one file each.

pub(crate) mod admin_token;
pub(crate) mod apply;
pub(crate) mod check;
pub(crate) mod count;
pub(crate) mod import;
pub(crate) mod key;
mod kv_bulk;
pub(crate) mod logs;
mod remote;
pub(crate) mod usage;

use crate::failure::Failure;

/// Runs a command that talks to the network.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("cannot start: {error}")))?;
    let done = runtime.block_on(work);
    // Looking a name up can hang for longer than anybody wants to wait for an exit.
    runtime.shutdown_background();
    done
}
