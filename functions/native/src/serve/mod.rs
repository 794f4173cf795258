//! `postern serve`: opens the data directory, takes the address, reads the configuration, serves until told to stop.
//!
//! What can fail comes before anything is made or shown: a secret that is printed once must not be lost because the
//! address was taken.

mod connection;
mod listener;
mod reload;
mod source;
mod welcome;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use postern_gateway::{Gateway, identity};
use tokio::runtime;

use crate::cli::ServeArgs;
use crate::data::Data;
use crate::failure::Failure;
use crate::host::NativeHost;
use crate::signals::{ReloadSignals, StopSignals};
use listener::Listener;
use reload::Watch;
use source::Source;
use workers::Workers;

/// How long the records of calls that were cut may take to be written.
const LAST_RECORDS: Duration = Duration::from_secs(2);

/// Serves until a signal says to stop.
///
/// # Errors
/// When serving cannot begin, with what to do about it.
pub(crate) fn run(args: &ServeArgs) -> Result<(), Failure> {
    let source = Source::of(args.config.as_deref());
    let watch = source.path().map(Watch::new);
    let file = source.read_file()?;
    let data = Data::open(&args.data, args.keep_records.0).map_err(Failure::new)?;
    let control = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start: {error}")))?;
    let host = NativeHost::new(data);
    // Runtimes must not end inside another one, not even when a later step fails.
    let workers = Workers::start(args.runtime, args.threads(), &host)?;
    control.block_on(async {
        let listener = Listener::bind(&args.listen)?;
        // From here on a signal is not the end of the process any more.
        let (stop, reload) = (StopSignals::new(), ReloadSignals::new());
        let (config, origin) = source.config(file, &host).await?;
        let gateway = Arc::new(Gateway::new(config, origin));
        let first = identity::first_start(&host)
            .await
            .map_err(|error| Failure::new(format!("the first start failed: {error}")))?;
        welcome::print(&gateway.snapshot().config, listener.address(), first.as_ref());
        drop(first);
        let reloading = tokio::spawn(reload::run(watch, reload, Arc::clone(&gateway), host.clone()));
        let left = listener.serve(&gateway, &workers, stop, args.drain.0).await;
        reloading.abort();
        if left > 0 {
            tracing::warn!(connections = left, "some connections were cut");
        }
        if tokio::time::timeout(LAST_RECORDS, host.settled()).await.is_err() {
            tracing::error!("some calls did not end in time, their records are lost");
        }
        Ok::<_, Failure>(())
    })?;
    // What blocks must not run inside a runtime.
    host.close();
    workers.stop();
    tracing::info!("stopped");
    Ok(())
}
