//! What the operating system tells the process: stop, read the configuration again.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that say to stop.
pub(crate) struct StopSignals {
    #[cfg(unix)]
    signals: Option<(Signal, Signal)>,
}

impl StopSignals {
    /// Listens from now on. Where the system does not let it, the process ends the way the system does it.
    pub(crate) fn new() -> Self {
        Self {
            #[cfg(unix)]
            signals: signal(SignalKind::terminate())
                .and_then(|t| Ok((t, signal(SignalKind::interrupt())?)))
                .ok(),
        }
    }

    /// Ready at the next one.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) {
        let Some((terminate, interrupt)) = &mut self.signals else { return std::future::pending().await };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }

    /// Ready at the next one.
    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Signals that say to read the configuration again. Where there is no such signal, there are none.
pub(crate) struct ReloadSignals {
    #[cfg(unix)]
    signal: Option<Signal>,
}

impl ReloadSignals {
    /// Listens from now on.
    pub(crate) fn new() -> Self {
        Self {
            #[cfg(unix)]
            signal: signal(SignalKind::hangup()).ok(),
        }
    }

    /// Ready at the next one.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) {
        match &mut self.signal {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }

    /// Never ready.
    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) {
        std::future::pending().await
    }
}
