//! The log, on standard error: readable on a terminal, JSON otherwise.

use std::io::{self, IsTerminal};
use std::panic;
use std::thread;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging. `level` is `error`, `warn`, `info`, `debug` or `trace` for postern's own parts (others speak up
/// from `warn`), or a filter such as `postern=debug,hyper=info`.
///
/// # Errors
/// When it is neither.
pub(crate) fn start(level: &str) -> Result<(), String> {
    let is_filter = level.contains(['=', ',']);
    let filter = if is_filter { level.to_owned() } else { format!("warn,postern={level}") };
    let known = ["off", "error", "warn", "info", "debug", "trace"];
    if !is_filter && !known.contains(&level.to_ascii_lowercase().as_str()) {
        return Err(format!("--log {level}: expected one of {}, or a filter", known.join(", ")));
    }
    let filter = EnvFilter::try_new(&filter).map_err(|error| format!("--log {level}: {error}"))?;
    let log = tracing_subscriber::fmt().with_writer(io::stderr).with_env_filter(filter);
    if io::stderr().is_terminal() {
        log.with_target(false).finish().init();
    } else {
        log.json().flatten_event(true).finish().init();
    }
    report_panics();
    Ok(())
}

/// A panic's own text may hold a piece of a prompt, so only its place goes into the log.
fn report_panics() {
    panic::set_hook(Box::new(|panic| {
        let place =
            panic.location().map_or_else(String::new, |place| format!("{}:{}", place.file(), place.line()));
        let thread = thread::current();
        let thread = thread.name().unwrap_or_default();
        tracing::error!(place, thread, "a defect: please report it with this place");
    }));
}
