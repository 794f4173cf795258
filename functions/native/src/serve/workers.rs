//! The runtimes that serve connections.
//!
//! One runtime a core, each with one thread and its own connections to upstreams, lets a call stay on one core from
//! its first byte to its last; one runtime with all threads lets an idle thread take over what waits behind a busy
//! one. Both are here, so that they can be measured against each other.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{self, Handle, Runtime};
use tokio::sync::oneshot;

use crate::cli::RuntimeKind;
use crate::failure::Failure;
use crate::host::NativeHost;

/// How long a runtime may take to end.
const END: Duration = Duration::from_secs(1);

/// The runtimes, to which connections go in turn.
pub(super) struct Workers {
    seats: Vec<Seat>,
    next: AtomicUsize,
    engine: Engine,
}

/// A runtime and the host of its calls.
struct Seat {
    runtime: Handle,
    host: NativeHost,
}

enum Engine {
    PerCore(Vec<(oneshot::Sender<()>, JoinHandle<()>)>),
    Shared(Runtime),
}

impl Workers {
    /// Starts `threads` threads.
    pub(super) fn start(kind: RuntimeKind, threads: usize, host: &NativeHost) -> Result<Self, Failure> {
        let failure = |error| Failure::new(format!("cannot start the threads that serve: {error}"));
        let (handles, engine) = match kind {
            RuntimeKind::PerCore => per_core(threads).map_err(failure)?,
            RuntimeKind::Shared => shared(threads).map_err(failure)?,
        };
        let seat = |runtime| Seat { runtime, host: host.for_another_runtime() };
        Ok(Self { seats: handles.into_iter().map(seat).collect(), next: AtomicUsize::new(0), engine })
    }

    /// Runs a task on the next runtime.
    pub(super) fn run<F>(&self, task: impl FnOnce(NativeHost) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.seats.len().max(1);
        if let Some(seat) = self.seats.get(turn) {
            seat.runtime.spawn(task(seat.host.clone()));
        }
    }

    /// Ends the runtimes and drops what still runs in them.
    pub(super) fn stop(self) {
        match self.engine {
            Engine::Shared(runtime) => runtime.shutdown_timeout(END),
            Engine::PerCore(threads) => {
                for (stop, thread) in threads {
                    drop(stop);
                    if thread.join().is_err() {
                        tracing::error!("a thread that served has failed");
                    }
                }
            }
        }
    }
}

fn shared(threads: usize) -> std::io::Result<(Vec<Handle>, Engine)> {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("postern-worker")
        .enable_all()
        .build()?;
    Ok((vec![runtime.handle().clone()], Engine::Shared(runtime)))
}

fn per_core(threads: usize) -> std::io::Result<(Vec<Handle>, Engine)> {
    let (mut handles, mut engines) = (Vec::new(), Vec::new());
    for number in 0..threads {
        let (tell, told) = mpsc::sync_channel(1);
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name(format!("postern-worker-{number}")).spawn(move || {
            let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = tell.send(Err(error));
                    return;
                }
            };
            let _ = tell.send(Ok(runtime.handle().clone()));
            // Nothing is ever sent: the other side is dropped when it is time to end.
            let _ = runtime.block_on(stopped);
            runtime.shutdown_timeout(END);
        })?;
        let handle = told.recv().unwrap_or_else(|_| Err(std::io::Error::other("a thread ended at once")))?;
        handles.push(handle);
        engines.push((stop, thread));
    }
    Ok((handles, Engine::PerCore(engines)))
}
