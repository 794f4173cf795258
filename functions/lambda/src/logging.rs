//! The log: a line of JSON for each event on the standard error, which Lambda puts into CloudWatch Logs.

use std::io;
use std::panic;

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging. Only our own parts speak below `warn`: what the SDK says at its finest levels has credentials in
/// it.
pub fn start(level: Level) {
    let filter = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("postern", level)
        .with_target("bootstrap", level);
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(io::stderr);
    // A second start, as in tests, changes nothing.
    let _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
    report_panics();
}

/// A panic's own text may hold a piece of a prompt, so only its place goes into the log.
fn report_panics() {
    panic::set_hook(Box::new(|panic| {
        let place =
            panic.location().map_or_else(String::new, |place| format!("{}:{}", place.file(), place.line()));
        tracing::error!(place, "a defect: please report it with this place");
    }));
}
